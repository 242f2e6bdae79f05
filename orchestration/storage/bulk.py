"""Many rows in one statement.

The shape of a bulk write. Keep out: what the rows mean.

Rows travel as one JSON document, which PostgreSQL itself takes apart by the table's own column types. Against COPY
into a temporary table this spares the conversion of each value in Python, the temporary table, and a second way to
spell every type. The statements are written once a table: SQLAlchemy would compile an `ON CONFLICT` each time.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Sequence

_encoder = msgspec.json.Encoder()


def insert(connection: sa.Connection, table: sa.Table, rows: Sequence[object], *, columns: Sequence[str]) -> int:
    """Insert `rows`, objects or mappings that JSON can carry, with at least the names in `columns`; how many.

    A row whose key exists is left as it is.
    """
    return _run(connection, _insert_statement(table, tuple(columns)), rows).rowcount if rows else 0


def insert_new(
    connection: sa.Connection, table: sa.Table, rows: Sequence[object], *, columns: Sequence[str], key: str
) -> set[Any]:
    """As `insert`; the values of the column `key` in the rows that were inserted."""
    if not rows:
        return set()
    return set(_run(connection, _insert_statement(table, tuple(columns), returning=key), rows).scalars())


def upsert(connection: sa.Connection, table: sa.Table, rows: Sequence[object], *, columns: Sequence[str]) -> int:
    """Insert `rows`, or update by primary key those that exist; how many were written."""
    return _run(connection, _upsert_statement(table, tuple(columns)), rows).rowcount if rows else 0


@cache
def _insert_statement(table: sa.Table, columns: tuple[str, ...], returning: str | None = None) -> sa.TextClause:
    tail = f" RETURNING {returning}" if returning else ""
    return sa.text(f"{_insert(table, columns)} ON CONFLICT DO NOTHING{tail}")


@cache
def _upsert_statement(table: sa.Table, columns: tuple[str, ...]) -> sa.TextClause:
    key = [column.name for column in table.primary_key]
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in columns if name not in key)
    return sa.text(f"{_insert(table, columns)} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}")


def _insert(table: sa.Table, columns: Sequence[str]) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    records = f"json_populate_recordset(NULL::{table.name}, CAST(:rows AS json))"
    return f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {records}"  # noqa: S608 - names of our own tables


def _run(connection: sa.Connection, statement: sa.TextClause, rows: Sequence[object]) -> sa.CursorResult[Any]:
    return connection.execute(statement, {"rows": _encoder.encode(rows).decode()})
