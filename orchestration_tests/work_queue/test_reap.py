"""Whose tasks are taken back, and what losing a worker does to a task."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.work_queue.model import Settled, TaskState, WorkerDiedError
from orchestration.work_queue.worker import Worker
from orchestration_tests.work_queue.queues import (
    claim,
    claim_one,
    enqueue,
    keys,
    make_queue,
    pass_time,
    reap,
    rows,
    states,
)

if TYPE_CHECKING:
    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue


def test_the_tasks_of_a_living_worker_stay(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    with Worker(database, queue) as worker:
        claim(database, queue, worker.number)
        assert reap(database, queue) == []
        assert states(database) == {"a": "active"}


def test_the_tasks_of_a_worker_without_a_lock_come_back_at_once_and_in_their_place(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, "a")
    enqueue(database, queue, "b")
    lost = claim_one(database, queue)
    with database.begin() as connection:
        (settled,) = queue.reap(connection)
    assert (settled.task.key, settled.task.token, settled.state) == ("a", lost.token, TaskState.WAITING)
    assert isinstance(settled.error, WorkerDiedError)
    again = claim_one(database, queue)
    assert (again.key, again.attempt) == ("a", 2)


def test_a_lease_that_ran_out_is_lost_though_the_worker_holds_its_lock(database: Database) -> None:
    queue = make_queue(lease_seconds=60)
    enqueue(database, queue, "a")
    with Worker(database, queue) as worker:
        claim(database, queue, worker.number)
        pass_time(database, 59)
        assert reap(database, queue) == []
        pass_time(database, 2)
        assert reap(database, queue) == ["a"]


def test_renewing_extends_the_leases_of_one_worker_only(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a", "b")
    with Worker(database, queue) as first, Worker(database, queue) as second:
        claim_one(database, queue, first.number)
        claim_one(database, queue, second.number)
        pass_time(database, 50)
        with database.begin() as connection:
            assert queue.renew(connection, first.number) == 1
        pass_time(database, 20)
        assert reap(database, queue) == ["b"]


def test_renewing_does_not_wait_for_tasks_that_are_being_settled(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a", "b")
    tasks = claim(database, queue, worker=1)
    with database.begin() as settling, database.begin() as renewing:
        settling.execute(sa.text("SELECT FROM task WHERE id = :id FOR UPDATE"), {"id": tasks[0].id})
        assert queue.renew(renewing, 1) == 1


def test_other_queues_reap_their_own(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    claim(database, queue)
    assert reap(database, make_queue("families")) == []
    assert reap(database, queue) == ["a"]


def test_a_task_that_keeps_killing_its_workers_waits_in_between_and_dies(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "poison")
    claim(database, queue)
    reap(database, queue)
    claim(database, queue)
    reap(database, queue)
    assert claim(database, queue) == [], "from its second loss on it waits like any failure"
    pass_time(database, 60)
    claim(database, queue)
    with database.begin() as connection:
        (settled,) = queue.reap(connection)
        (letter,) = queue.dead(connection)
    assert settled.state is TaskState.DEAD
    assert (letter.key, letter.attempt, letter.reason) == ("poison", 3, "worker died")


@pytest.mark.parametrize("attempts", [1, 2])
def test_the_loss_of_a_batch_condemns_nobody(database: Database, attempts: int) -> None:
    """Whoever shared a batch with the poison gets a run alone, even when its attempts are used up."""
    queue = make_queue(attempts=attempts, wait=0)
    enqueue(database, queue, "poison", "innocent")
    for _ in range(attempts - 1):
        with database.begin() as connection:
            connection.execute(sa.text("UPDATE task SET attempt = attempt + 1"))
    claim(database, queue)
    reap(database, queue)
    assert states(database) == {"poison": "waiting", "innocent": "waiting"}
    assert keys(claim(database, queue)) == ["poison"]
    reap(database, queue)
    assert states(database) == {"poison": "dead", "innocent": "waiting"}


def test_a_task_enqueued_again_while_its_worker_died_begins_anew_but_alone(database: Database) -> None:
    queue = make_queue(attempts=1)
    enqueue(database, queue, "a")
    for _ in range(3):
        claim(database, queue)
        enqueue(database, queue, "a")
        reap(database, queue)
    enqueue(database, queue, "b")
    assert (rows(database)["a"].attempt, rows(database)["a"].crashes) == (0, 3)
    assert keys(claim(database, queue)) == ["a"]


def test_a_lost_task_is_free_of_its_owner(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    claim(database, queue)
    reap(database, queue)
    row = rows(database)["a"]
    assert (row.worker, row.lease_until, row.state) == (None, None, "waiting")
    assert row.claimed_at - row.enqueued_at < timedelta(seconds=60)


def test_a_reaped_task_names_what_happened(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    claim(database, queue)
    with database.begin() as connection:
        lost: list[Settled] = queue.reap(connection)
    assert str(lost[0].error) == "A worker of the queue 'images' died, or its lease ran out"
