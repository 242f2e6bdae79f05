"""Requests: checked at the door, kept as rows, and never taken where the database says no."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
import sqlalchemy as sa

from orchestration.errors import InvalidInputError, NotFoundError
from orchestration.requests.requests import (
    RequestKind,
    RequestState,
    ask,
    list_requests,
    mark_completed,
    mark_failed,
    mark_started,
    read_request,
    take,
)

if TYPE_CHECKING:
    from orchestration.storage.database import Database


class Wash(msgspec.Struct, forbid_unknown_fields=True):
    """Wash some shirts."""

    shirts: list[str]
    hot: bool = False


WASH = RequestKind("laundry.wash", Wash, "Wash shirts.")
UNFINISHED = (RequestState.WAITING, RequestState.STARTED)


def ask_for(database: Database, *shirts: str) -> int:
    with database.begin() as connection:
        return ask(connection, WASH, {"shirts": list(shirts)}, requested_by="ada").id


def test_a_request_says_who_asked_when_and_with_what(database: Database) -> None:
    number = ask_for(database, "blue")
    with database.connect() as connection:
        request = read_request(connection, number)
    assert (request.kind, request.requested_by, request.state) == ("laundry.wash", "ada", RequestState.WAITING)
    assert request.arguments == {"shirts": ["blue"], "hot": False}
    assert request.requested_at.tzinfo is not None


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({}, "shirts"),
        ({"shirts": "blue"}, r"\$\.shirts"),
        ({"shirts": [1]}, r"\$\.shirts"),
        ({"shirts": [], "x": 1}, "x"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_with_their_place(
    database: Database, arguments: dict[str, object], place: str
) -> None:
    with database.begin() as connection, pytest.raises(InvalidInputError, match=f"laundry.wash.*{place}.*shirts, hot"):
        ask(connection, WASH, arguments, requested_by="ada")
    with database.connect() as connection:
        assert list_requests(connection) == []


def test_an_unknown_number_names_the_command_that_lists_them(database: Database) -> None:
    with database.connect() as connection, pytest.raises(NotFoundError, match=r"no request 7; .* requests list"):
        read_request(connection, 7)


def test_lists_are_by_kind_and_state_the_newest_first(database: Database) -> None:
    numbers = [ask_for(database, shirt) for shirt in ("blue", "red")]
    with database.begin() as connection:
        mark_completed(connection, numbers[0], {"washed": 1})
        assert [one.id for one in list_requests(connection)] == numbers[::-1]
        assert [one.id for one in list_requests(connection, state=RequestState.COMPLETED)] == numbers[:1]
        assert list_requests(connection, kind="laundry.iron") == []


def test_two_takers_take_different_requests(database: Database) -> None:
    numbers = [ask_for(database, shirt) for shirt in ("blue", "red")]
    with database.begin() as one, database.begin() as other:
        taken = [take(connection, UNFINISHED, 0) for connection in (one, other)]
        assert [request.id for request in taken if request] == numbers
        assert take(other, UNFINISHED, numbers[-1]) is None


def test_a_request_goes_from_its_run_to_its_result(database: Database) -> None:
    number = ask_for(database, "blue")
    with database.begin() as connection:
        mark_started(connection, number, "run-1")
        mark_failed(connection, number, "no\0water", {"washed": 0})
        request = read_request(connection, number)
    assert (request.state, request.run_id, request.error) == (RequestState.FAILED, "run-1", "no\\x00water")
    assert request.result == {"washed": 0}
    assert request.started_at is not None
    assert request.finished_at is not None


def test_the_database_refuses_to_revive_what_is_finished(database: Database) -> None:
    number = ask_for(database, "blue")
    with database.begin() as connection:
        mark_completed(connection, number, {})
    with pytest.raises(sa.exc.IntegrityError, match="completed"), database.begin() as connection:
        connection.execute(sa.text("UPDATE work_request SET state = 'waiting'"))
