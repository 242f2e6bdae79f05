"""Many rows in one statement.

Belongs here: the shape of a bulk write. Does not: what the rows mean.

Rows travel as one JSON document, which PostgreSQL itself takes apart by the table's own column types. Against COPY
into a temporary table this spares the conversion of each value in Python, the temporary table, and a second way to
spell every type; `orchestration_tests/benchmarks` holds the figures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

if TYPE_CHECKING:
    from collections.abc import Sequence

_encoder = msgspec.json.Encoder()


def insert(connection: sa.Connection, table: sa.Table, rows: Sequence[object], *, columns: Sequence[str]) -> int:
    """Insert `rows`, objects or mappings that JSON can carry, with at least the names in `columns`; how many.

    A row whose key exists is left as it is.
    """
    statement = pg.insert(table).from_select(list(columns), _records(table, columns)).on_conflict_do_nothing()
    return _run(connection, statement, rows)


def insert_new(
    connection: sa.Connection, table: sa.Table, rows: Sequence[object], *, columns: Sequence[str], key: str
) -> set[str]:
    """As `insert`; the values of the column `key` in the rows that were inserted."""
    if not rows:
        return set()
    statement = pg.insert(table).from_select(list(columns), _records(table, columns)).on_conflict_do_nothing()
    return set(
        connection.execute(statement.returning(table.c[key]), {"rows": _encoder.encode(rows).decode()}).scalars()
    )


def upsert(connection: sa.Connection, table: sa.Table, rows: Sequence[object], *, columns: Sequence[str]) -> int:
    """Insert `rows`, or update by primary key those that exist; how many were written."""
    key = [column.name for column in table.primary_key]
    statement = pg.insert(table).from_select(list(columns), _records(table, columns))
    changes = {name: statement.excluded[name] for name in columns if name not in key}
    return _run(connection, statement.on_conflict_do_update(index_elements=key, set_=changes), rows)


def _records(table: sa.Table, columns: Sequence[str]) -> sa.Select[tuple[object, ...]]:
    """`SELECT columns FROM json_populate_recordset(NULL::table, :rows)`."""
    row_type: sa.ColumnElement[object] = sa.literal_column(f"NULL::{table.name}")
    records = sa.func.json_populate_recordset(row_type, sa.bindparam("rows", type_=sa.Text).cast(pg.JSON))
    source = records.table_valued(*(sa.column(name) for name in columns), name="record")
    return sa.select(*(source.c[name] for name in columns))


def _run(connection: sa.Connection, statement: sa.Insert, rows: Sequence[object]) -> int:
    if not rows:
        return 0
    # SQLAlchemy does not keep the row count of an INSERT unless it is asked to.
    options = {"preserve_rowcount": True}
    return connection.execute(statement, {"rows": _encoder.encode(rows).decode()}, execution_options=options).rowcount
