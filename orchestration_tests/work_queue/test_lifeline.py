"""The sign of life: seen from the first moment to the last, and back at once when the server ends the session."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.errors import TransientError
from orchestration.storage.database import Database
from orchestration.work_queue.bell import Bell
from orchestration.work_queue.lifeline import Lifeline
from orchestration.work_queue.queue import LOCK_CLASS, TaskQueue
from orchestration.work_queue.worker import Worker
from orchestration_tests.work_queue.queues import claim, enqueue, make_queue, reap

if TYPE_CHECKING:
    from collections.abc import Callable

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


def holders(database: Database, worker: int) -> list[int]:
    """The process ids of the sessions that hold the worker's lock."""
    query = sa.text(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = :lock_class AND objid = :worker"
    )
    with database.begin() as connection:
        return list(connection.execute(query, {"lock_class": LOCK_CLASS, "worker": worker}).scalars())


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for what the server or a thread does in its own time."""
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_worker_is_seen_from_entering_to_leaving(database: Database, queue: TaskQueue) -> None:
    with Worker(database, queue) as worker:
        assert len(holders(database, worker.number)) == 1
    wait_until(lambda: holders(database, worker.number) == [])
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lifeline")]


def test_every_worker_has_a_number_of_its_own(database: Database, queue: TaskQueue) -> None:
    with Worker(database, queue) as first, Worker(database, make_queue("families")) as second:
        assert first.number != second.number


def test_a_worker_whose_session_is_ended_is_soon_seen_again_and_keeps_its_tasks(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, "a")
    with Worker(database, queue) as worker:
        claim(database, queue, worker.number)
        (former,) = holders(database, worker.number)
        with database.begin() as connection:
            connection.execute(sa.select(sa.func.pg_terminate_backend(former)))
        wait_until(lambda: holders(database, worker.number) not in ([], [former]))
        assert reap(database, queue) == []


def test_leases_are_renewed_as_long_as_the_worker_lives(database: Database) -> None:
    queue = make_queue(lease_seconds=0.3)
    enqueue(database, queue, "a")
    with Worker(database, queue) as worker:
        claim(database, queue, worker.number)
        for _ in range(8):
            time.sleep(0.1)
            assert reap(database, queue) == []


def test_a_worker_without_a_database_says_so(queue: TaskQueue) -> None:
    with pytest.raises(TransientError, match="did not answer"), Worker(Database(NOWHERE), queue):
        pass


def test_a_lifeline_that_finds_no_database_gives_up_after_a_lease() -> None:
    lifeline = Lifeline(Database(NOWHERE), make_queue(lease_seconds=0.2), 1, lambda: None)
    with pytest.raises(TransientError, match="Worker 1 of the queue 'images' found no database"):
        lifeline.open()


def test_a_notification_rings_for_its_own_queue_only(database: Database, queue: TaskQueue) -> None:
    rings: list[float] = []
    lifeline = Lifeline(database, queue, 1, lambda: rings.append(time.monotonic()))
    lifeline.open()
    wait_until(lambda: bool(rings))  # once, for what was said before it listened
    rings.clear()
    enqueue(database, make_queue("families"), "a")
    time.sleep(0.1)
    assert rings == []
    enqueue(database, queue, "a")
    wait_until(lambda: bool(rings))
    lifeline.close()


async def test_a_bell_wakes_the_event_loop_from_another_thread() -> None:
    bell = Bell()
    with bell.attached():
        waiting = asyncio.create_task(bell.wait(1_000))
        await asyncio.to_thread(bell.ring)
        await waiting
        bell.silence()
        began = time.monotonic()
        await bell.wait(0.05)
        assert time.monotonic() - began >= 0.04


def test_a_bell_that_nobody_hears_may_be_rung() -> None:
    bell = Bell()
    bell.ring()

    async def attach() -> None:
        with bell.attached():
            pass

    asyncio.run(attach())
    bell.ring()
