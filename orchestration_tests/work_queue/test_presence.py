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
from orchestration.work_queue.presence import WorkerPresence
from orchestration.work_queue.queue import LOCK_CLASS, TaskQueue
from orchestration.work_queue.wakeup import Wakeup
from orchestration.work_queue.worker import Worker
from orchestration_tests.work_queue.queues import claim, enqueue, make_queue, reap

if TYPE_CHECKING:
    from collections.abc import Callable

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


def holders(database: Database, worker: int) -> list[int]:
    """The process ids of the sessions that hold the worker's lock."""
    query = sa.text("""
        SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = :lock_class AND objid = :worker
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """)
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
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("presence of worker")]


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


def test_a_presence_that_finds_no_database_gives_up_after_a_lease() -> None:
    presence = WorkerPresence(Database(NOWHERE), make_queue(lease_seconds=0.2), 1, lambda: None, lambda: None)
    with pytest.raises(TransientError, match="Worker 1 of the queue 'images' found no database"):
        presence.open()


def test_a_notification_wakes_for_its_own_queue_only(database: Database, queue: TaskQueue) -> None:
    wakeups: list[float] = []
    presence = WorkerPresence(database, queue, 1, lambda: wakeups.append(time.monotonic()), lambda: None)
    presence.open()
    wait_until(lambda: bool(wakeups))  # once, for what was said before it listened
    wakeups.clear()
    enqueue(database, make_queue("families"), "a")
    time.sleep(0.1)
    assert wakeups == []
    enqueue(database, queue, "a")
    wait_until(lambda: bool(wakeups))
    presence.close()


async def test_a_wakeup_wakes_the_event_loop_from_another_thread() -> None:
    wakeup = Wakeup()
    with wakeup.attached():
        waiting = asyncio.create_task(wakeup.wait(1_000))
        await asyncio.to_thread(wakeup.set)
        await waiting
        wakeup.clear()
        began = time.monotonic()
        await wakeup.wait(0.05)
        assert time.monotonic() - began >= 0.04


def test_a_wakeup_that_nobody_waits_for_may_be_set() -> None:
    wakeup = Wakeup()
    wakeup.set()

    async def attach() -> None:
        with wakeup.attached():
            pass

    asyncio.run(attach())
    wakeup.set()
