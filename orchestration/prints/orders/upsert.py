"""Making a table equal to rows from outside, and reporting what that changed.

It holds the comparison by key. Keep out: what the rows mean.
"""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import sqlalchemy as sa

from orchestration.storage import bulk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Key = tuple[Any, ...]
Row = dict[str, Any]


class Effect(IntEnum):
    """What a row did, the greatest last."""

    UNCHANGED = 0
    CHANGED = 1
    NEW = 2


class Stored(NamedTuple):
    """A row's id, what it did, and the columns that it changed."""

    id: int
    effect: Effect
    changed: frozenset[str] = frozenset()


class KeyedTable(NamedTuple):
    """A table with an `id`, the columns that name a row from outside, and what a new row has where it says nothing."""

    table: sa.Table
    key: tuple[str, ...]
    defaults: Mapping[str, Any] = MappingProxyType({})

    def key_of(self, row: Mapping[str, Any]) -> Key:
        """The values that name the row."""
        return tuple(row[name] for name in self.key)


def store_rows(connection: sa.Connection, keyed: KeyedTable, rows: Iterable[Row]) -> dict[Key, Stored]:
    """Insert the rows that are new, update those that differ; what each did, by key.

    Rows hold JSON values; of several with one key the later columns win. A column that a row lacks keeps what is
    stored; a new row gets the table's default. New rows are inserted in their order; see to it that no other
    transaction does so meanwhile.
    """
    merged: dict[Key, Row] = {}
    for row in rows:
        merged[keyed.key_of(row)] = merged.get(keyed.key_of(row), {}) | row
    known = _find(connection, keyed, list(merged.values()))
    new = [row for key, row in merged.items() if key not in known]
    changed = {key: _differences(known[key], row) for key, row in merged.items() if key in known}
    _insert(connection, keyed, new)
    _update(connection, keyed.table, [known[key] | merged[key] for key in sorted(known) if changed[key]], changed)
    found = {key: row["id"] for key, row in _find(connection, keyed, new).items()}
    stored = {key: Stored(row_id, Effect.NEW) for key, row_id in found.items()}
    for key, columns in changed.items():
        effect = Effect.CHANGED if columns else Effect.UNCHANGED
        stored[key] = Stored(known[key]["id"], effect, columns)
    return stored


def _find(connection: sa.Connection, keyed: KeyedTable, rows: Sequence[Row]) -> dict[Key, Row]:
    """The stored rows of these keys, whole, as JSON has them."""
    name, key = keyed.table.name, ", ".join(keyed.key)
    statement = (
        f"SELECT to_jsonb(t) FROM {name} AS t "  # noqa: S608 - names of our own tables
        f"JOIN json_populate_recordset(NULL::{name}, CAST(:rows AS json)) AS r USING ({key}) "
        "ORDER BY t.id FOR UPDATE OF t"
    )
    keys = [{column: row[column] for column in keyed.key} for row in rows]
    found = connection.execute(sa.text(statement), {"rows": msgspec.json.encode(keys).decode()}).scalars()
    return {keyed.key_of(row): row for row in found} if rows else {}


def _differences(stored: Row, row: Row) -> frozenset[str]:
    return frozenset(name for name, value in row.items() if stored[name] != value)


def _insert(connection: sa.Connection, keyed: KeyedTable, rows: Sequence[Row]) -> None:
    columns = tuple(sorted(frozenset().union(*rows))) if rows else ()
    bulk.insert(connection, keyed.table, [{**keyed.defaults, **row} for row in rows], columns=columns)


def _update(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Row], changed: Mapping[Key, frozenset[str]]
) -> None:
    columns = sorted(frozenset().union(*changed.values())) if rows else []
    if not columns:
        return
    values = [f'"{column}" = r."{column}"' for column in columns]
    if "updated_at" in table.c:
        values.append("updated_at = statement_timestamp()")
    statement = (
        f"UPDATE {table.name} AS t SET {', '.join(values)} "  # noqa: S608 - names of our own tables
        f"FROM json_populate_recordset(NULL::{table.name}, CAST(:rows AS json)) AS r WHERE t.id = r.id"
    )
    connection.execute(sa.text(statement), {"rows": msgspec.json.encode(rows).decode()})
