"""The log: one index after another, each request once, by those who may, and rows that follow it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.canvas.elements import read_elements
from orchestration.canvas.log import NewOperation, append, list_operations, operations_between, undo
from orchestration.canvas.model import Operation, OperationType, read_operation
from orchestration.canvas.operations import replay
from orchestration.canvas.projects import NewProject, create_projects
from orchestration.errors import InvalidInputError, NotFoundError, PermanentError, RefusedError
from orchestration_tests.canvas.boards import (
    EDITOR,
    NOON,
    OWNER,
    PROJECT,
    VIEWER,
    add_projects,
    change,
    do,
    elements_of,
    made_by,
    rows,
    work,
)
from orchestration_tests.canvas.histories import element, histories

if TYPE_CHECKING:
    from orchestration.storage.database import Database

MAKE = read_operation({"type": "create", "elementId": "a", "data": {"element": {"type": "shape"}}})
MOVE = read_operation({"type": "move", "elementId": "a", "data": {"delta": {"x": 1}}})


def count(database: Database) -> int:
    """How many operations the project's log holds."""
    return len(rows(database, "SELECT 1 FROM canvas_operation WHERE project_id = :id", id=PROJECT))


@pytest.mark.usefixtures("project")
def test_operations_are_numbered_without_gaps_and_change_the_rows(database: Database) -> None:
    applied = do(database, [MAKE, MOVE]) + do(database, [MOVE])
    assert [one.op_index for one in applied] == [0, 1, 2]
    assert elements_of(database) == {"a": element(x=2.0)}
    (row,) = rows(database, "SELECT next_op_index, updated_at, created_at FROM canvas_project")
    assert row.next_op_index == 3
    assert row.updated_at == applied[2].created_at > row.created_at


@pytest.mark.usefixtures("project")
def test_the_log_gives_back_what_was_appended(database: Database) -> None:
    new = NewOperation(MAKE, EDITOR, "request-1", datetime(2025, 1, 1, tzinfo=UTC))
    with database.begin() as connection:
        (applied,) = append(connection, PROJECT, [new], at=NOON)
        assert list_operations(connection, PROJECT) == [applied]
        assert list_operations(connection, PROJECT, after=0) == []
    assert applied == (0, *(MAKE, Operation(OperationType.DELETE, "a")), *new[1:4], NOON, None, False)


@pytest.mark.usefixtures("project")
def test_the_same_request_is_done_once(database: Database) -> None:
    with database.begin() as connection:
        first, same, other = append(
            connection,
            PROJECT,
            [NewOperation(MAKE, OWNER, "r1"), NewOperation(MAKE, OWNER, "r1"), NewOperation(MOVE, OWNER)],
        )
    assert (first.is_repeat, same.is_repeat, other.op_index) == (False, True, 1)
    with database.begin() as connection:
        again, new = append(connection, PROJECT, [NewOperation(MOVE, OWNER, "r1"), NewOperation(MOVE, OWNER, "r2")])
    assert again == first._replace(is_repeat=True), "the stored operation, whatever is sent the second time"
    assert new.op_index == 2
    assert count(database) == 3


@pytest.mark.usefixtures("project")
def test_only_repeats_change_nothing(database: Database) -> None:
    with database.begin() as connection:
        append(connection, PROJECT, [NewOperation(MAKE, OWNER, "r1")])
    before = rows(database, "SELECT * FROM canvas_project")
    with database.begin() as connection:
        append(connection, PROJECT, [NewOperation(MAKE, OWNER, "r1")])
    assert rows(database, "SELECT * FROM canvas_project") == before


def test_one_request_may_be_used_in_two_projects(database: Database, project: str) -> None:
    add_projects(database, "p-2")
    for project_id in (project, "p-2"):
        with database.begin() as connection:
            (applied,) = append(connection, project_id, [NewOperation(MAKE, OWNER, "r1")])
        assert not applied.is_repeat


def test_requests_that_arrive_together_and_twice_are_each_done_once(database: Database, project: str) -> None:
    requests = [f"r{number % 40}" for number in range(160)]

    def send(request: str) -> int:
        operation = read_operation(
            {"type": "create", "elementId": f"e-{request}", "data": {"element": {"type": "shape"}}}
        )
        with database.begin() as connection:
            (applied,) = append(connection, project, [NewOperation(operation, OWNER, request)])
        return applied.op_index

    with ThreadPoolExecutor(8) as pool:
        indexes = list(pool.map(send, requests))
    assert {request: {indexes[i] for i, one in enumerate(requests) if one == request} for request in requests} == {
        request: {indexes[i]} for i, request in enumerate(requests)
    }
    assert sorted(set(indexes)) == list(range(40))
    assert count(database) == len(elements_of(database)) == 40


def test_writers_at_the_same_time_leave_no_gap_and_times_that_rise(database: Database, project: str) -> None:
    do(database, [MAKE])

    def move(_: int) -> None:
        do(database, [MOVE, MOVE], project)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(move, range(50)))
    found = rows(database, "SELECT op_index, created_at FROM canvas_operation ORDER BY op_index")
    assert [row.op_index for row in found] == list(range(101))
    assert [row.created_at for row in found] == sorted(row.created_at for row in found)
    assert elements_of(database) == {"a": element(x=100.0)}


@pytest.mark.usefixtures("project")
def test_only_owner_and_editors_may_write(database: Database) -> None:
    do(database, [MAKE])
    for stranger in (VIEWER, "nobody", ""):
        refusal = pytest.raises(RefusedError, match=f"{stranger} may not change the project p-1")
        with refusal, database.begin() as connection:
            append(connection, PROJECT, [NewOperation(MOVE, EDITOR), NewOperation(MOVE, stranger)])
        with refusal, database.begin() as connection:
            undo(connection, PROJECT, 0, stranger)
    assert count(database) == 1


def test_a_viewer_does_not_learn_what_a_request_was(database: Database, project: str) -> None:
    with database.begin() as connection:
        append(connection, project, [NewOperation(MAKE, OWNER, "r1")])
    with pytest.raises(RefusedError), database.begin() as connection:
        append(connection, project, [NewOperation(MAKE, VIEWER, "r1")])


@pytest.mark.usefixtures("project")
def test_a_batch_with_one_wrong_operation_leaves_nothing(database: Database) -> None:
    wrong = read_operation({"type": "move", "elementId": "b", "data": {"delta": {"x": 1}}})
    with pytest.raises(InvalidInputError, match="move b: there is no element b"):
        do(database, [MAKE, wrong])
    assert count(database) == 0
    assert elements_of(database) == {}
    assert do(database, [MAKE])[0].op_index == 0


def test_a_project_that_is_not_there_is_named(database: Database) -> None:
    with pytest.raises(NotFoundError, match="no canvas project p-9"):
        do(database, [MAKE], "p-9")


@pytest.mark.usefixtures("project")
def test_text_that_postgresql_cannot_hold_is_refused_before_it_is_sent(database: Database) -> None:
    for new in (
        NewOperation(Operation(OperationType.SELECT, "a\0"), OWNER),
        NewOperation(Operation(OperationType.SELECT, data={"x": "\ud800"}), OWNER),
        NewOperation(MAKE, OWNER, "\0"),
        NewOperation(MAKE, "\0"),
    ):
        with pytest.raises(InvalidInputError, match="can be stored"), database.begin() as connection:
            append(connection, PROJECT, [new])


@pytest.mark.usefixtures("project")
def test_undo_takes_an_operation_back_and_can_itself_be_undone(database: Database) -> None:
    do(database, [MAKE, MOVE])
    with database.begin() as connection:
        undone = undo(connection, PROJECT, 1, EDITOR)
    assert elements_of(database) == {"a": element()}
    with database.begin() as connection:
        undo(connection, PROJECT, undone.op_index, EDITOR)
    assert elements_of(database) == {"a": element(x=1.0)}
    assert count(database) == 4


@pytest.mark.usefixtures("project")
def test_undo_says_why_it_cannot(database: Database) -> None:
    do(database, [MAKE, Operation(OperationType.SELECT, "a"), MOVE, Operation(OperationType.DELETE, "a")])
    for op_index, error, complaint in (
        (1, InvalidInputError, "changed nothing"),
        (2, InvalidInputError, "no element a"),
        (9, NotFoundError, "no operation 9"),
    ):
        with pytest.raises(error, match=complaint), database.begin() as connection:
            undo(connection, PROJECT, op_index, OWNER)


@given(history=histories, cut=st.integers(0, 10))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_and_replay_are_what_the_rules_say(database: Database, history: list[Operation], cut: int) -> None:
    project_id = uuid4().hex
    add_projects(database, project_id)
    for part in (history[:cut], history[cut:]):
        do(database, part, project_id)
    expected = made_by(history)
    with database.begin() as connection:
        assert read_elements(connection, project_id) == expected
        assert replay({}, operations_between(connection, project_id, -1, len(history) - 1)) == expected
        listed = list_operations(connection, project_id)
        for one in reversed(listed):
            if one.inverse:
                undo(connection, project_id, one.op_index, OWNER)
        assert read_elements(connection, project_id) == {}


def test_a_log_with_a_gap_is_not_replayed(database: Database, project: str) -> None:
    do(database, work(5))
    change(database, "DELETE FROM canvas_operation WHERE op_index = 3")
    with database.begin() as connection, pytest.raises(PermanentError, match="lacks operation 3"):
        list(operations_between(connection, project, -1, 4))


def test_a_log_beyond_its_count_takes_no_more(database: Database, project: str) -> None:
    do(database, [MAKE])
    change(database, "UPDATE canvas_project SET next_op_index = 0")
    with pytest.raises(PermanentError, match="beyond the project's own count"):
        do(database, [Operation(OperationType.SELECT, "a")], project)


@pytest.mark.usefixtures("project")
def test_the_database_refuses_what_no_code_should_write(database: Database) -> None:
    do(database, [MAKE])
    for statement in (
        "UPDATE canvas_operation SET type = 'paint'",
        "UPDATE canvas_element SET type = 'sofa'",
        "UPDATE canvas_element SET opacity = 2",
        "UPDATE canvas_element SET width = -1",
        "UPDATE canvas_element SET meta = '[]'",
        "UPDATE canvas_project SET name = E' \\t'",
        "UPDATE canvas_project SET next_op_index = -1",
        "UPDATE canvas_project SET last_snapshot_op_index = next_op_index, last_snapshot_at = now()",
        "UPDATE canvas_project SET last_snapshot_op_index = 0",
        "UPDATE canvas_project SET preview_images = '[1, 2, 3, 4, 5, 6]'",
    ):
        with pytest.raises(sa.exc.IntegrityError):
            change(database, statement)


def test_a_project_needs_a_name_and_shows_five_previews(database: Database) -> None:
    for wrong in (NewProject("p", " ", OWNER), NewProject("p", "n", OWNER, preview_images="123456")):
        with pytest.raises(InvalidInputError, match="The project p"), database.begin() as connection:
            create_projects(connection, [wrong])
