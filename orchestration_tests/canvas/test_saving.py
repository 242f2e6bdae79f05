"""A run saves what is due, the longest unsaved first, and one project that cannot be saved keeps no other from it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from orchestration.canvas.model import Operation, OperationType
from orchestration.canvas.retention import RetentionRule
from orchestration.canvas.saving import SaveOptions, SavePolicy, Saver
from orchestration.canvas.snapshots import SnapshotRule
from orchestration_tests.canvas.boards import DAY, HOUR, NOON, add_projects, change, do, loaded, rows, snapshot, work

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from orchestration.canvas.saving import SaveReport
    from orchestration.storage.database import Database

POLICY = SavePolicy(SnapshotRule(100, timedelta(hours=24)), RetentionRule(2, 0, 0), batch=2)
LOOK = Operation(OperationType.SELECT, "e1")
NAMES = ("a", "b", "c", "d", "e")


def run(
    database: Database,
    options: SaveOptions = SaveOptions(),  # noqa: B008 - a tuple
    now: datetime = NOON,
    is_stopped: Callable[[], bool] = lambda: False,
) -> SaveReport:
    """Save at this time."""
    return Saver(database, POLICY, lambda: now, is_stopped).run(options)


@pytest.fixture
def busy(database: Database) -> Database:
    """Five projects with a hundred operations, the later letters having waited longer."""
    add_projects(database, *NAMES)
    for number, name in enumerate(NAMES):
        do(database, work(100, seed=number), name, at=NOON - number * HOUR)
    return database


def saved(database: Database) -> set[str]:
    """The projects that have a snapshot."""
    return {str(row.project_id) for row in rows(database, "SELECT project_id FROM canvas_snapshot")}


def test_all_that_is_due_is_saved_the_longest_unsaved_first(busy: Database) -> None:
    report = run(busy)
    assert [one.project_id for one in report.created] == ["e", "d", "c", "b", "a"]
    assert {one.op_index for one in report.created} == {99}
    assert (report.processed, report.skipped, report.errors) == (5, [], [])
    stored = rows(busy, "SELECT sum(length(elements)) AS bytes FROM canvas_snapshot")
    assert report.bytes == stored[0].bytes
    assert run(busy).processed == 0
    for name in NAMES:
        assert loaded(busy, name).replayed == 0


def test_operations_decide(database: Database) -> None:
    add_projects(database, "p99", "p100", "p101")
    for count in (99, 100, 101):
        do(database, work(count), f"p{count}", at=NOON)
    report = run(database, now=NOON + HOUR)
    assert {one.project_id for one in report.created} == {"p100", "p101"}
    assert [tuple(one) for one in report.skipped] == [("p99", "99/100 operations, 1.0/24 h")]


def test_hours_decide_only_when_anything_is_new(database: Database) -> None:
    add_projects(database, "p")
    assert run(database, now=NOON + 100 * DAY).processed == 0
    history = work(2)
    do(database, history[:1], "p", at=NOON)
    assert not run(database, now=NOON + 23 * HOUR).created
    assert len(run(database, now=NOON + 24 * HOUR).created) == 1
    assert run(database, now=NOON + 100 * DAY).processed == 0
    do(database, history[1:], "p", at=NOON + 40 * HOUR)
    assert not run(database, now=NOON + 47 * HOUR).created, "23 hours after the last snapshot"
    assert len(run(database, now=NOON + 48 * HOUR).created) == 1


def test_a_broken_project_is_reported_and_the_others_are_saved(busy: Database) -> None:
    change(busy, "ALTER TABLE canvas_snapshot ADD CONSTRAINT sick CHECK (project_id <> 'd')")
    report = run(busy)
    assert [one.project_id for one in report.created] == ["e", "c", "b", "a"]
    ((project_id, reason),) = report.errors
    assert project_id == "d"
    assert "violates check constraint" in reason
    assert saved(busy) == set(NAMES) - {"d"}
    again = run(busy)
    assert [one.project_id for one in again.errors] == ["d"], "it stays due"


def test_a_limit_ends_the_run_and_tells_what_is_left(busy: Database) -> None:
    report = run(busy, SaveOptions(limit=3))
    assert [one.project_id for one in report.created] == ["e", "d", "c"]
    assert [tuple(one) for one in report.skipped] == [
        ("b", "The run's limit was reached"),
        ("a", "The run's limit was reached"),
    ]


def test_a_run_that_is_stopped_ends_between_two_batches(busy: Database) -> None:
    asked: list[int] = []

    def is_stopped() -> bool:
        asked.append(1)
        return len(asked) > 2

    assert len(run(busy, is_stopped=is_stopped).created) == 4
    assert len(saved(busy)) == 4


def test_projects_that_are_named_are_saved_due_or_not(busy: Database) -> None:
    add_projects(busy, "quiet", "fresh")
    do(busy, work(1), "fresh", at=NOON)
    report = run(busy, SaveOptions(projects=["fresh", "quiet", "gone"]))
    assert [one.project_id for one in report.created] == ["fresh"]
    assert [tuple(one) for one in report.skipped] == [("quiet", "No new operations")]
    assert [tuple(one) for one in report.errors] == [("gone", "There is no such project")]


def test_a_dry_run_tells_what_the_real_one_does_and_changes_nothing(busy: Database) -> None:
    for minute in range(4):
        do(busy, [LOOK], "a", at=NOON)
        snapshot(busy, "a", now=NOON + timedelta(minutes=minute))
    do(busy, [LOOK], "a", at=NOON)
    before = rows(busy, "SELECT * FROM canvas_snapshot ORDER BY id"), rows(busy, "SELECT * FROM canvas_project")
    dry = run(busy, SaveOptions(dry_run=True), now=NOON + DAY + HOUR)
    after = rows(busy, "SELECT * FROM canvas_snapshot ORDER BY id"), rows(busy, "SELECT * FROM canvas_project")
    assert before == after
    real = run(busy, now=NOON + DAY + HOUR)
    assert [one._replace(snapshot_id=0) for one in dry.created] == [one._replace(snapshot_id=0) for one in real.created]
    assert (dry.processed, dry.bytes, dry.thinned) == (real.processed, real.bytes, real.thinned)
    assert (len(dry.created), dry.thinned) == (5, 3)


def test_saving_thins_and_so_does_a_run_for_projects_that_rest(busy: Database) -> None:
    history = work(4, seed=99)
    add_projects(busy, "resting")
    for number, operation in enumerate(history):
        do(busy, [operation], "resting", at=NOON - 300 * DAY)
        snapshot(busy, "resting", now=NOON - 300 * DAY + number * HOUR)
    report = run(busy)
    assert report.thinned == 2
    assert len(rows(busy, "SELECT 1 FROM canvas_snapshot WHERE project_id = 'resting'")) == 2
