"""Holding tasks: whoever enqueues them again waits, and one who has done so already is passed over or waited for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from orchestration.work_queue.model import NewTask, Outcome
from orchestration_tests.work_queue.queues import NOBODY, claim, enqueue, keys, make_claim, rows, settle

if TYPE_CHECKING:
    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue


def test_enqueueing_a_held_task_waits_for_its_end_and_makes_a_new_one(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a", "b")
    tasks = claim(database, queue)
    writer = threading.Thread(target=enqueue, args=(database, queue, NewTask("a", "newer")))
    with database.begin() as connection:
        assert keys(queue.lock(connection, tasks)) == ["a", "b"]
        writer.start()
        writer.join(0.3)
        assert writer.is_alive()
        queue.settle(connection, [Outcome(task) for task in tasks])
    writer.join(10)
    assert (rows(database)["a"].state, rows(database)["a"].payload) == ("waiting", "newer")
    assert rows(database)["b"].state == "completed"


@pytest.mark.parametrize("commits", [True, False])
def test_a_task_that_is_being_enqueued_is_passed_over_or_waited_for(
    database: Database, queue: TaskQueue, commits: bool
) -> None:
    enqueue(database, queue, "a", "b")
    tasks = claim(database, queue)
    held: list[str] = []

    def hold_patiently() -> None:
        with database.begin() as connection:
            held.extend(keys(queue.lock(connection, tasks[:1], wait=True)))

    waiter = threading.Thread(target=hold_patiently)
    with database.begin() as connection:
        queue.enqueue(connection, [NewTask("a", "newer")])
        with database.begin() as other:
            assert keys(queue.lock(other, tasks)) == ["b"]
        waiter.start()
        waiter.join(0.3)
        assert held == []
        if not commits:
            connection.rollback()
    waiter.join(10)
    assert held == ["a"]
    assert rows(database)["a"].rerun == commits


def test_a_task_that_was_settled_or_taken_back_cannot_be_held(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a", "b")
    tasks = claim(database, queue)
    settle(database, queue, tasks[:1])
    with database.begin() as connection:
        queue.release(connection, NOBODY, tasks[1:])
    claim(database, queue)
    late = make_claim(database, queue, tasks)
    with database.begin() as connection:
        assert late.lock(connection, tasks) == queue.lock(connection, tasks, wait=True) == []
        assert queue.lock(connection, []) == []
