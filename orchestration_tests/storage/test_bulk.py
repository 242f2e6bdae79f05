"""Many rows in one statement: every type comes back as it went in, and the counts are right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql as pg

from orchestration.errors import TransientError
from orchestration.storage import bulk
from orchestration.storage.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import URL

_metadata = sa.MetaData()
item = sa.Table(
    "item",
    _metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("text", sa.Text),
    sa.Column("amount", sa.Numeric(14, 4)),
    sa.Column("ratio", sa.Float),
    sa.Column("flag", sa.Boolean),
    sa.Column("payload", pg.JSONB(none_as_null=True)),
    sa.Column("tags", pg.ARRAY(sa.Text)),
    sa.Column("numbers", pg.ARRAY(sa.Integer)),
    sa.Column("at", sa.DateTime(timezone=True)),
    sa.Column("day", sa.Date),
    sa.Column("note", sa.Text, nullable=False, server_default="untold"),
)
COLUMNS = ("kind", "id", "text", "amount", "ratio", "flag", "payload", "tags", "numbers", "at", "day")
KEY = ("kind", "id")
AT = datetime(2026, 2, 28, 23, 59, 59, 123456, tzinfo=UTC)

# What PostgreSQL can store: neither NUL nor half a surrogate pair.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | texts,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(texts, children, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def table_database(server_url: URL) -> Iterator[Database]:
    """A database that holds the table of these tests."""
    database = Database(server_url.render_as_string(hide_password=False))
    with database.begin() as connection:
        _metadata.create_all(connection)
    yield database
    with database.begin() as connection:
        _metadata.drop_all(connection)
    database.close()


@pytest.fixture
def connection(table_database: Database) -> Iterator[sa.Connection]:
    """A transaction that is taken back at the end of the test."""
    with table_database.begin() as connection:
        yield connection
        connection.rollback()


def row(**values: object) -> dict[str, Any]:
    """A row with nothing but its key, and what is given."""
    return dict.fromkeys(COLUMNS) | {"kind": "a", "id": 1} | values


def stored(connection: sa.Connection) -> list[dict[str, Any]]:
    """The rows of the table, in order of their key."""
    return [dict(found) for found in connection.execute(sa.select(item).order_by(*KEY)).mappings()]


EVERY_TYPE = row(
    text="Größe 10% \"A\" 'B' \\ {}\n\t🧦",
    amount=Decimal("1234567890.1234"),
    ratio=0.1,
    flag=True,
    payload={"nl": "Pet", "deep": [1, None, {"x": "é"}]},
    tags=["", "NULL", 'quo"ted', "com,ma", "{brace}", "back\\slash"],
    numbers=[2**31 - 1, -1],
    at=AT,
    day=date(2026, 2, 28),
)


def test_every_type_comes_back_as_it_went_in(connection: sa.Connection) -> None:
    assert bulk.insert(connection, item, [EVERY_TYPE], columns=COLUMNS) == 1
    assert stored(connection) == [EVERY_TYPE | {"note": "untold"}]


def test_missing_values_and_empty_ones_stay_apart(connection: sa.Connection) -> None:
    empty = row(id=2, text="", payload={}, tags=[], numbers=[], flag=False, amount=Decimal(0))
    bulk.insert(connection, item, [row(id=1), empty], columns=COLUMNS)
    assert stored(connection) == [row(id=1) | {"note": "untold"}, empty | {"note": "untold"}]


@given(text=texts, payload=st.dictionaries(texts, json_values, max_size=3), tags=st.lists(texts, max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_survives_in_texts_documents_and_arrays(
    connection: sa.Connection, text: str, payload: dict[str, Any], tags: list[str]
) -> None:
    bulk.upsert(connection, item, [row(text=text, payload=payload, tags=tags)], columns=COLUMNS)
    found = stored(connection)[0]
    assert (found["text"], found["payload"], found["tags"]) == (text, payload, tags)


@given(amount=st.decimals(min_value=-(10**10) + 1, max_value=10**10 - 1, places=4, allow_nan=False))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_decimals_keep_each_digit(connection: sa.Connection, amount: Decimal) -> None:
    bulk.upsert(connection, item, [row(amount=amount)], columns=COLUMNS)
    assert stored(connection)[0]["amount"] == amount


def test_rows_may_be_structs_or_dataclasses_with_more_than_the_columns(connection: sa.Connection) -> None:
    class Struct(msgspec.Struct):
        kind: str
        id: int
        text: str
        extra: str = "unused"

    @dataclass
    class Record:
        kind: str
        id: int
        text: str

    rows = [Struct("a", 1, "struct"), Record("a", 2, "record")]
    assert bulk.insert(connection, item, rows, columns=("kind", "id", "text")) == 2
    assert [found["text"] for found in stored(connection)] == ["struct", "record"]


def test_columns_that_are_not_named_take_their_default(connection: sa.Connection) -> None:
    bulk.insert(connection, item, [row(note="ignored")], columns=KEY)
    assert stored(connection)[0]["note"] == "untold"


def test_insert_leaves_rows_that_exist_and_counts_the_new_ones(connection: sa.Connection) -> None:
    bulk.insert(connection, item, [row(id=1, text="old")], columns=COLUMNS)
    rows = [row(id=1, text="new"), row(id=2, text="new"), row(id=2, text="twice")]
    assert bulk.insert(connection, item, rows, columns=COLUMNS) == 1
    assert [found["text"] for found in stored(connection)] == ["old", "new"]
    assert bulk.insert(connection, item, rows, columns=COLUMNS) == 0


def test_insert_tells_which_rows_were_new(connection: sa.Connection) -> None:
    bulk.insert(connection, item, [row(id=1)], columns=COLUMNS)
    rows = [row(id=1), row(id=2), row(id=3)]
    assert bulk.insert_new(connection, item, rows, columns=COLUMNS, key="id") == {2, 3}
    assert bulk.insert_new(connection, item, rows, columns=COLUMNS, key="id") == set()
    assert bulk.insert_new(connection, item, [], columns=COLUMNS, key="id") == set()


def test_upsert_writes_the_named_columns_and_leaves_the_others(connection: sa.Connection) -> None:
    bulk.insert(connection, item, [row(id=1, text="old", flag=True), row(id=3)], columns=COLUMNS)
    rows = [{"kind": "a", "id": 1, "text": "new"}, {"kind": "b", "id": 1, "text": "other"}]
    assert bulk.upsert(connection, item, rows, columns=("kind", "id", "text")) == 2
    found = {(one["kind"], one["id"]): (one["text"], one["flag"]) for one in stored(connection)}
    assert found == {("a", 1): ("new", True), ("a", 3): (None, None), ("b", 1): ("other", None)}


def test_upsert_can_take_a_value_away(connection: sa.Connection) -> None:
    bulk.upsert(connection, item, [EVERY_TYPE], columns=COLUMNS)
    bulk.upsert(connection, item, [row()], columns=COLUMNS)
    assert stored(connection) == [row() | {"note": "untold"}]


@pytest.mark.parametrize("write", [bulk.insert, bulk.upsert])
def test_no_rows_ask_the_database_nothing(connection: sa.Connection, write: Callable[..., int]) -> None:
    statements: list[str] = []
    sa.event.listen(connection, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert write(connection, item, [], columns=COLUMNS) == 0
    assert statements == []


def test_thousands_of_rows_are_one_statement(connection: sa.Connection) -> None:
    rows = [row(id=number, text=f"row {number}", tags=[str(number)]) for number in range(5_000)]
    statements: list[str] = []
    sa.event.listen(connection, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert bulk.upsert(connection, item, rows, columns=COLUMNS) == 5_000
    assert len(statements) == 1


@pytest.mark.parametrize("bad", [{"text": "with \0 inside"}, {"amount": "many"}, {"id": 2**63}, {"amount": 1e11}])
def test_a_value_that_the_column_cannot_hold_is_a_data_error(connection: sa.Connection, bad: dict[str, Any]) -> None:
    with pytest.raises(sa.exc.DataError):
        bulk.insert(connection, item, [row(**bad)], columns=COLUMNS)


def test_a_lost_connection_is_transient(table_database: Database) -> None:
    def write_and_lose() -> None:
        with table_database.begin() as connection:
            pid = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
            with table_database.connect() as other:
                other.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
            bulk.insert(connection, item, [row()], columns=COLUMNS)

    with pytest.raises(TransientError):
        write_and_lose()
