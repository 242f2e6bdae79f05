"""Boards as other programs, other versions and hurried users leave them: each oddity is its own, and is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from orchestration.canvas.canvas import Canvas
from orchestration.canvas.health import differing_projects
from orchestration.canvas.loading import load, replay_all
from orchestration.canvas.log import Applied, NewOperation, append, undo
from orchestration.canvas.model import Operation, OperationType
from orchestration.canvas.restore import Target, restore
from orchestration.canvas.saving import SaveOptions
from orchestration.errors import InvalidInputError, RefusedError
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration_tests.canvas.boards import OWNER, PROJECT, add_projects, change, do, elements_of

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.storage.database import Database

pytestmark = pytest.mark.usefixtures("project")


def create(*ids: str, **meta: object) -> list[Operation]:
    """Operations that create shapes."""
    element = {"type": "shape", "meta": meta}
    return [Operation(OperationType.CREATE, one, data={"element": element}) for one in ids]


def group(group_id: str, *members: str) -> Operation:
    """An operation that groups elements."""
    return Operation(OperationType.GROUP, group_id, members)


def delete(*ids: str) -> Operation:
    """An operation that deletes elements."""
    return Operation(OperationType.DELETE, element_ids=ids)


def groups_of(database: Database) -> dict[str, Any]:
    """The group of each element; the rows are what a replay makes."""
    elements = elements_of(database)
    with database.begin() as connection:
        assert replay_all(connection, PROJECT).elements == elements
    return {key: element.meta.get("groupId") for key, element in elements.items()}


def take_back(database: Database, op_index: int, request_id: str | None = None) -> Applied:
    """Undo an operation."""
    with database.begin() as connection:
        return undo(connection, PROJECT, op_index, OWNER, request_id)


@pytest.fixture
def canvas(database: Database, tmp_path: Path) -> Canvas:
    """The canvas of this database."""
    services = Services(Settings(home=tmp_path / "home", database_url=database.url))
    services.database = database
    return Canvas(services)


@pytest.mark.parametrize(("column", "value"), [("x", "'NaN'"), ("width", "'Infinity'"), ("y", "1e300")])
def test_what_no_reader_takes_is_not_saved_and_its_element_is_named(
    database: Database, canvas: Canvas, column: str, value: str
) -> None:
    add_projects(database, "sound")
    for project_id in (PROJECT, "sound"):
        do(database, create("e1", "e2"), project_id)
    statement = f"UPDATE canvas_element SET {column} = {value} WHERE project_id = '{PROJECT}' AND element_id = 'e1'"  # noqa: S608
    change(database, statement)
    report = canvas.save_due(SaveOptions(projects=[PROJECT, "sound"]))
    assert [saved.project_id for saved in report.created] == ["sound"]
    (failed,) = report.errors
    assert failed.project_id == PROJECT
    assert "the element e1" in failed.reason


COLLABORATORS = {
    "ids alone": '["u2", "u3"]', "null": "[null]", "a number": "[7]", "a list": '[["u2", "editor"]]',
    "a record as uid": '[{"uid": {"id": "u2"}, "role": "editor"}]', "a text": '["uid role"]',
    "another spelling": '[{"uid": "u2", "role": "Editor"}]',
}  # fmt: skip


@pytest.mark.parametrize("shape", COLLABORATORS)
def test_collaborators_of_another_shape_are_nobody(database: Database, shape: str) -> None:
    do(database, create("e"))
    change(database, f"UPDATE canvas_project SET collaborators = '{COLLABORATORS[shape]}'")  # noqa: S608
    with database.begin() as connection:
        assert load(connection, PROJECT).elements.keys() == {"e"}
        assert differing_projects(connection).total == 0
        with pytest.raises(RefusedError, match="u2 may not change"):
            append(connection, PROJECT, [NewOperation(create("f")[0], "u2")])


def test_a_restore_brings_back_what_there_is_and_names_what_there_is_not(database: Database) -> None:
    photo = Operation(OperationType.CREATE, "pic", data={"element": {"type": "image", "meta": {"mediaId": "photo"}}})
    do(database, [*create("a", "b"), photo])
    do(database, [delete("a", "pic")])
    change(
        database,
        "WITH run AS (INSERT INTO media_gc_run (started_at, is_dry_run, is_forced, ttl_days, grace_hours)"
        " VALUES (now(), false, false, 1, 1) RETURNING id) INSERT INTO media_tombstone"
        " (run_id, reason, media_id, storage_path, bytes, marked_at, deleted_at)"
        " SELECT id, 'unreferenced', 'photo', 'x', 1, now(), now() FROM run",
    )
    with database.begin() as connection:
        restored = restore(connection, PROJECT, Target(op_index=2))
    assert restored.missing == {"pic": "photo"}
    assert elements_of(database).keys() == {"a", "b"}


def test_an_operation_is_undone_once(database: Database) -> None:
    do(database, create("a"))
    do(database, [Operation(OperationType.MOVE, "a", data={"delta": {"x": 10, "y": 0}})])
    first = take_back(database, 1)
    with pytest.raises(InvalidInputError, match=r"was undone by operation 2; undo that one to have it again"):
        take_back(database, 1)
    assert elements_of(database)["a"].x == 0
    again = take_back(database, first.op_index)
    assert elements_of(database)["a"].x == 10
    take_back(database, again.op_index)
    assert elements_of(database)["a"].x == 0


def test_an_undo_that_is_sent_twice_is_one(database: Database) -> None:
    do(database, create("a"))
    do(database, [Operation(OperationType.MOVE, "a", data={"delta": {"x": 10, "y": 0}})])
    first = take_back(database, 1, "request")
    second = take_back(database, 1, "request")
    assert (second.op_index, second.is_repeat) == (first.op_index, True)
    assert elements_of(database)["a"].x == 0


def test_a_group_never_lies_within_itself(database: Database) -> None:
    do(database, [*create("a"), group("g1", "a"), group("g2", "g1"), group("g3", "g2")])
    into = Operation(OperationType.UPDATE, "g3", data={"updates": {"meta": {"groupId": "g1"}}})
    with pytest.raises(InvalidInputError, match="g3 would lie within itself"):
        do(database, [into])
    assert groups_of(database) == {"a": "g1", "g1": "g2", "g2": "g3", "g3": None}
    with pytest.raises(InvalidInputError):
        do(database, [group("g9", "g9", "a")])


def test_members_of_a_deleted_group_are_in_none_and_come_back_with_it(database: Database) -> None:
    do(database, [*create("a", "b", "c"), group("g", "a", "b")])
    (deleted,) = do(database, [delete("g")])
    assert groups_of(database) == {"a": None, "b": None, "c": None}
    take_back(database, deleted.op_index)
    assert groups_of(database) == {"a": "g", "b": "g", "c": None, "g": None}
    do(database, [delete("g"), group("g", "c")])
    assert groups_of(database) == {"a": None, "b": None, "c": "g", "g": None}


def test_a_project_that_is_due_by_its_hours_is_due_at_once(database: Database, canvas: Canvas) -> None:
    do(database, create("a"))
    assert canvas.due_projects() == []
    canvas.clock = lambda: datetime.now(UTC) + timedelta(hours=canvas.settings.snapshot_hours)
    assert canvas.due_projects() == [PROJECT]


def test_the_log_refuses_no_history_that_there_is(database: Database) -> None:
    """A log of earlier versions deletes groups without a word of their members, and replays as it was."""
    do(database, [*create("a"), group("g", "a"), delete("g")])
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE canvas_operation SET data = '{}' WHERE type = 'delete'"))
        assert replay_all(connection, PROJECT).elements["a"].meta == {"groupId": "g"}
