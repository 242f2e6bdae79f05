"""The rows of workers: who drains a queue, where, since when, with how many tasks, and whether it still lives."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.work_queue.queue import LOCK_CLASS, TaskQueue
from orchestration.work_queue.worker import Worker
from orchestration_tests.work_queue.queues import claim, enqueue, make_queue, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.storage.database import Database
    from orchestration.work_queue.model import WorkerStatus


def register(database: Database, queue: TaskQueue, run_id: str | None = None) -> int:
    with database.begin() as connection:
        return queue.register_worker(connection, run_id=run_id)


def workers(database: Database, queue: TaskQueue) -> list[WorkerStatus]:
    with database.connect() as connection:
        return queue.workers(connection)


@contextmanager
def lock_held(database: Database, worker: int) -> Iterator[None]:
    """The worker's advisory lock, as its lifeline holds it."""
    with database.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(LOCK_CLASS, worker)))
        yield


def test_a_registered_worker_says_where_it_is_and_what_it_holds(database: Database, queue: TaskQueue) -> None:
    number = register(database, queue, run_id="0b1c")
    enqueue(database, queue, "a", "b", "c")
    tasks = claim(database, queue, number)
    settle(database, queue, tasks[:1])
    (worker,) = workers(database, queue)
    assert (worker.number, worker.queue, worker.run_id, worker.tasks) == (number, "images", "0b1c", 2)
    assert (worker.host, worker.pid) == (socket.gethostname(), os.getpid())
    with database.begin() as connection:
        queue.sign_off(connection, number)
        runs = {key: found.run_id for key in "abc" if (found := queue.task(connection, key))}
    assert runs == dict.fromkeys("abc", "0b1c"), "a task remembers its run when the worker has ended"


def test_a_worker_is_alive_exactly_while_its_lock_is_held(database: Database, queue: TaskQueue) -> None:
    first, second = register(database, queue), register(database, queue)
    with lock_held(database, second):
        assert {one.number: one.is_alive for one in workers(database, queue)} == {first: False, second: True}
    assert not any(one.is_alive for one in workers(database, queue))


def test_a_running_worker_is_seen_and_a_killed_one_is_told_from_it(database: Database, queue: TaskQueue) -> None:
    register(database, queue)
    with Worker(database, queue) as worker:
        assert [one.number for one in workers(database, queue) if one.is_alive] == [worker.number]


def test_renewing_leases_is_a_sign_of_life(database: Database, queue: TaskQueue) -> None:
    number = register(database, queue)
    age(database, timedelta(hours=1))
    (before,) = workers(database, queue)
    with database.begin() as connection:
        assert queue.renew(connection, number) == 0
    (after,) = workers(database, queue)
    assert after.started_at == before.started_at
    assert after.seen_at - before.seen_at > timedelta(minutes=59)


def test_a_worker_that_signed_off_is_gone_and_others_stay(database: Database, queue: TaskQueue) -> None:
    families = make_queue("families")
    first, second, other = register(database, queue), register(database, queue), register(database, families)
    with database.begin() as connection:
        queue.sign_off(connection, first)
        queue.sign_off(connection, other)
    assert [one.number for one in workers(database, queue)] == [second]
    assert [one.number for one in workers(database, families)] == [other]


def age(database: Database, by: timedelta) -> None:
    with database.begin() as connection:
        connection.execute(
            sa.text("UPDATE task_worker SET seen_at = seen_at - :by, started_at = started_at - :by"), {"by": by}
        )


def test_lost_workers_are_remembered_for_a_day_and_living_ones_always(database: Database, queue: TaskQueue) -> None:
    lost, living = register(database, queue), register(database, queue)
    age(database, timedelta(days=2))
    recent = register(database, queue)
    with lock_held(database, living), database.begin() as connection:
        queue.prune(connection)
    assert lost not in [one.number for one in workers(database, queue)]
    assert [one.number for one in workers(database, queue)] == [living, recent]
