"""A paused queue keeps its tasks and gives none away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.work_queue.drain import drain_queue
from orchestration.work_queue.options import DrainOptions
from orchestration.work_queue.pausing import pause, pauses, resume
from orchestration_tests.work_queue.queues import Handling, claim, claim_one, completing, enqueue, make_queue, settle

if TYPE_CHECKING:
    from orchestration.storage.database import Database


def set_paused(database: Database, name: str = "images", *, paused: bool = True) -> bool:
    with database.begin() as connection:
        queue = make_queue(name)
        return pause(connection, queue, by="ada") if paused else resume(connection, queue)


def test_a_paused_queue_takes_tasks_in_and_gives_none_away_until_it_is_resumed(database: Database) -> None:
    queue = make_queue()
    enqueue(database, queue, "a")
    assert set_paused(database) is True
    enqueue(database, queue, "b")
    assert claim(database, queue) == []
    assert set_paused(database, paused=False) is True
    assert [task.key for task in claim(database, queue)] == ["a", "b"]


def test_what_is_being_worked_on_may_end(database: Database) -> None:
    queue = make_queue()
    enqueue(database, queue, "a", "b")
    task = claim_one(database, queue)
    set_paused(database)
    settle(database, queue, [task])
    with database.connect() as connection:
        counts = queue.counts(connection)
    assert (counts.completed, counts.waiting) == (1, 1)


def test_a_pause_is_of_one_queue_and_says_by_whom(database: Database) -> None:
    enqueue(database, make_queue("other"), "a")
    set_paused(database)
    with database.connect() as connection:
        assert [(one.queue, one.paused_by) for one in pauses(connection).values()] == [("images", "ada")]
    assert len(claim(database, make_queue("other"))) == 1


def test_pausing_or_resuming_twice_changes_nothing(database: Database) -> None:
    assert (set_paused(database), set_paused(database)) == (True, False)
    assert (set_paused(database, paused=False), set_paused(database, paused=False)) == (True, False)


async def test_a_drain_that_works_until_nothing_is_left_ends_on_a_paused_queue(database: Database) -> None:
    queue = make_queue()
    enqueue(database, queue, "a")
    set_paused(database)
    result = await drain_queue(database, queue, Handling(completing()), lambda _: None, DrainOptions(idle_seconds=None))
    assert result.completed == 0
    result = await drain_queue(database, queue, Handling(completing()), lambda _: None, DrainOptions(), keys=["a"])
    assert "a" in result.unsettled
