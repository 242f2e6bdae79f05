"""A snapshot is due when the rule says so, and holds one state: its elements and the last operation that led there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from orchestration.canvas import snapshots
from orchestration.canvas.loading import load, replay_all
from orchestration.canvas.model import read_operation
from orchestration.canvas.snapshot_form import write_snapshot
from orchestration.canvas.snapshots import SnapshotRule, Unsaved, list_snapshots, save, unsaved_projects
from orchestration.errors import ConflictError, InvalidInputError, NotFoundError
from orchestration_tests.canvas.boards import (
    DAY,
    HOUR,
    NOON,
    PROJECT,
    add_projects,
    do,
    elements_of,
    loaded,
    made_by,
    rows,
    snapshot,
    work,
)

if TYPE_CHECKING:
    from orchestration.canvas.model import Element
    from orchestration.canvas.snapshot_form import SnapshotBytes
    from orchestration.storage.database import Database

RULE = SnapshotRule(100, timedelta(hours=24))


@pytest.mark.parametrize(("operations", "is_due"), [(1, False), (99, False), (100, True), (101, True)])
def test_a_snapshot_is_due_after_a_hundred_operations(operations: int, is_due: bool) -> None:
    assert RULE.is_due(Unsaved("p", operations, NOON, NOON), NOON + HOUR) is is_due


@pytest.mark.parametrize(
    ("age", "is_due"), [(23 * HOUR, False), (DAY - timedelta(microseconds=1), False), (DAY, True), (25 * HOUR, True)]
)
def test_or_a_day_after_the_last_one(age: timedelta, is_due: bool) -> None:
    assert RULE.is_due(Unsaved("p", 1, NOON, NOON), NOON + age) is is_due


def test_a_report_tells_how_far_a_project_is() -> None:
    assert RULE.shortfall(Unsaved("p", 37, NOON, NOON), NOON + 1.5 * HOUR) == "37/100 operations, 1.5/24 h"


@pytest.mark.usefixtures("project")
def test_unsaved_operations_are_counted_from_the_last_one_that_is_saved(database: Database) -> None:
    def unsaved() -> list[Unsaved]:
        with database.connect() as connection:
            return unsaved_projects(connection)

    history = work(101)
    assert unsaved() == []
    do(database, history[:99], at=NOON)
    assert unsaved() == [Unsaved(PROJECT, 99, NOON, NOON)], "without a snapshot, time counts from the first operation"
    do(database, history[99:100], at=NOON + HOUR)
    assert unsaved() == [Unsaved(PROJECT, 100, NOON, NOON)]
    snapshot(database, now=NOON + 2 * HOUR)
    assert unsaved() == []
    do(database, history[100:], at=NOON + 3 * HOUR)
    assert unsaved() == [Unsaved(PROJECT, 1, NOON + 2 * HOUR, NOON + 3 * HOUR)], "with one, from when that was made"


def test_the_longest_unsaved_project_comes_first(database: Database, project: str) -> None:
    add_projects(database, "p-2", "p-3")
    for project_id, at in ((project, NOON + HOUR), ("p-2", NOON), ("p-3", NOON + 2 * HOUR)):
        do(database, work(3), project_id, at=at)
    with database.connect() as connection:
        assert [one.project_id for one in unsaved_projects(connection)] == ["p-2", project, "p-3"]
        assert [one.project_id for one in unsaved_projects(connection, ["p-3", "p-9"])] == ["p-3"]


@pytest.mark.usefixtures("project")
def test_a_snapshot_tells_the_last_operation_that_is_in_it(database: Database) -> None:
    """Not the next one: a reader that goes on after the index would lose that operation for ever."""
    history = work(30)
    do(database, history[:20])
    snapshot_id = snapshot(database)
    do(database, history[20:])
    (row,) = rows(database, "SELECT * FROM canvas_snapshot")
    assert (row.op_index, row.version, row.element_count) == (19, 1, len(made_by(history[:20])))
    (saved,) = rows(database, "SELECT last_snapshot_op_index, last_snapshot_at FROM canvas_project")
    assert tuple(saved) == (19, row.created_at)
    found = loaded(database)
    assert (found.snapshot_id, found.replayed, found.op_index) == (snapshot_id, 10, 29)
    assert found.elements == made_by(history)


@pytest.mark.usefixtures("project")
def test_nothing_new_makes_no_snapshot(database: Database) -> None:
    with database.begin() as connection:
        assert save(connection, PROJECT) is None
    do(database, work(2))
    snapshot(database)
    with database.begin() as connection:
        assert save(connection, PROJECT) is None
        with pytest.raises(NotFoundError, match="no canvas project p-9"):
            save(connection, "p-9")


@pytest.mark.usefixtures("project")
def test_an_empty_canvas_is_saved_as_such(database: Database) -> None:
    do(database, work(1))
    (only,) = elements_of(database)
    do(database, [read_operation({"type": "delete", "elementId": only})])
    snapshot(database)
    assert loaded(database).elements == {}


@pytest.mark.usefixtures("project")
def test_snapshots_tell_what_media_they_show(database: Database) -> None:
    meta = {"mediaId": "m-1", "html": '<img src="https://x/p%2Fq.jpg?w=1">', "model3d": {"url": ["https://x/m.glb"]}}
    element = {"type": "image", "meta": meta}
    do(database, [read_operation({"type": "create", "elementId": "a", "data": {"element": element}})])
    snapshot(database)
    (row,) = rows(database, "SELECT media_refs FROM canvas_snapshot")
    assert {"m-1", "p/q.jpg", "m.glb"} <= set(row.media_refs)


@pytest.mark.usefixtures("project")
def test_a_state_can_be_kept_under_a_name(database: Database) -> None:
    do(database, work(5))
    plain = snapshot(database)
    with database.begin() as connection:
        named = save(connection, PROJECT, name="before the fair", created_by="ada")
        assert named is not None
        listed = list_snapshots(connection, PROJECT)
    assert [(one.snapshot_id, one.op_index, one.name) for one in listed] == [
        (named.snapshot_id, 4, "before the fair"),
        (plain, 4, None),
    ]
    for wrong, error, complaint in (("before the fair", ConflictError, "already"), (" ", InvalidInputError, "blank")):
        with pytest.raises(error, match=complaint), database.begin() as connection:
            save(connection, PROJECT, name=wrong)


@pytest.mark.usefixtures("project")
def test_there_is_nothing_to_name_in_an_untouched_project(database: Database) -> None:
    with pytest.raises(InvalidInputError, match="no operation yet"), database.begin() as connection:
        save(connection, PROJECT, name="start")


@pytest.mark.usefixtures("project")
def test_two_that_save_one_state_make_one_snapshot(database: Database) -> None:
    do(database, work(10))

    def save_it(_: int) -> bool:
        with database.begin() as connection:
            return save(connection, PROJECT) is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(save_it, range(8))) == 1
    assert len(rows(database, "SELECT 1 FROM canvas_snapshot")) == 1


@pytest.mark.usefixtures("project")
def test_snapshots_are_consistent_while_others_write(database: Database) -> None:
    """Every snapshot equals the replay up to its index, whatever was committed while it was made."""

    def write(writer: int) -> None:
        for number in range(40):
            element_id = f"{writer}-{number}"
            made = {"type": "create", "elementId": element_id, "data": {"element": {"type": "shape"}}}
            moved = {"type": "move", "elementId": element_id, "data": {"delta": {"x": number}}}
            do(database, [read_operation(made), read_operation(moved)])

    def save_all(_: int) -> None:
        while not all(writer.done() for writer in writers):
            with database.begin() as connection:
                save(connection, PROJECT)

    with ThreadPoolExecutor(5) as pool:
        writers = [pool.submit(write, number) for number in range(3)]
        list(pool.map(save_all, range(2)))
    with database.begin() as connection:
        listed = list_snapshots(connection, PROJECT)
        assert len(listed) > 5
        for one in listed:
            found = load(connection, PROJECT, at=one.op_index)
            assert (found.snapshot_id, found.replayed) == (one.snapshot_id, 0)
            assert found.elements == replay_all(connection, PROJECT, at=one.op_index).elements
    (project,) = rows(database, "SELECT next_op_index, last_snapshot_op_index FROM canvas_project")
    assert tuple(project) == (240, listed[0].op_index)


@pytest.mark.usefixtures("project")
def test_a_snapshot_in_the_making_lets_writers_in(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    history = work(20)
    do(database, history[:10])

    def write_meanwhile(elements: dict[str, Element]) -> SnapshotBytes:
        do(database, history[10:])
        return write_snapshot(elements)

    monkeypatch.setattr(snapshots, "write_snapshot", write_meanwhile)
    snapshot(database)
    found = loaded(database)
    assert (found.op_index, found.replayed) == (19, 10), "it stays the state that was read"
    assert found.elements == made_by(history)


@pytest.mark.usefixtures("project")
def test_a_late_snapshot_of_an_earlier_state_hides_no_newer_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = work(20)
    do(database, history[:10])

    def be_overtaken(elements: dict[str, Element]) -> SnapshotBytes:
        monkeypatch.setattr(snapshots, "write_snapshot", write_snapshot)
        do(database, history[10:])
        snapshot(database)
        return write_snapshot(elements)

    monkeypatch.setattr(snapshots, "write_snapshot", be_overtaken)
    snapshot(database)
    assert [row.op_index for row in rows(database, "SELECT op_index FROM canvas_snapshot ORDER BY id")] == [19, 9]
    (project,) = rows(database, "SELECT last_snapshot_op_index FROM canvas_project")
    assert project.last_snapshot_op_index == 19
    assert loaded(database).replayed == 0
