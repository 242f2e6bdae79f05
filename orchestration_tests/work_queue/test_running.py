"""A run over a queue ends as its caller asked, and forgets what ended long ago."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.errors import TransientError
from orchestration.work_queue.drain import Ending
from orchestration.work_queue.model import NewTask
from orchestration.work_queue.policy import Retention
from orchestration.work_queue.queue import TaskQueue
from orchestration.work_queue.running import DrainEnd, Heartbeat, QueueRun, Results
from orchestration.work_queue.stopping import StopSignal
from orchestration_tests.work_queue.queues import completing, enqueue, make_queue, settle_all, states

if TYPE_CHECKING:
    from orchestration.storage.database import Database
    from orchestration.work_queue.claim import Claim


async def test_without_an_idle_time_it_ends_when_nothing_is_queued(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a", "b")
    drained = await QueueRun(database, queue, DrainEnd(StopSignal())).drain(completing(database))
    assert (drained.completed, drained.ending) == (2, Ending.DONE)


async def test_it_waits_for_a_retry_that_is_due_soon(database: Database) -> None:
    queue = make_queue(wait=0.2)
    enqueue(database, queue, "a")
    attempts: list[int] = []

    async def handle(claim: Claim) -> None:
        attempts.append(claim.tasks[0].attempt)
        settle_all(database, claim, TransientError("again") if len(attempts) == 1 else None)

    await QueueRun(database, queue, DrainEnd(StopSignal())).drain(handle)
    assert attempts == [1, 2]


async def test_it_leaves_a_task_that_is_due_much_later(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, NewTask("tomorrow", delay=86_400.0), NewTask("now"))
    drained = await QueueRun(database, queue, DrainEnd(StopSignal())).drain(completing(database))
    assert (drained.completed, drained.ending) == (1, Ending.DONE)
    assert states(database)["tomorrow"] == "waiting"


async def test_with_an_idle_time_it_stays_that_long(database: Database, queue: TaskQueue) -> None:
    started = time.monotonic()
    drained = await QueueRun(database, queue, DrainEnd(StopSignal(), idle_seconds=0.3)).drain(completing(database))
    assert drained.ending is Ending.IDLE
    assert time.monotonic() - started >= 0.3


async def test_what_the_caller_waits_for_ends_it(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, NewTask("later", delay=60.0))
    end = DrainEnd(StopSignal())
    drained = await QueueRun(database, queue, end).drain(completing(database), until=lambda: True)
    assert drained.ending is Ending.DONE


async def test_a_stop_ends_it_after_the_batch_in_hand(database: Database) -> None:
    queue = make_queue(batch=1)
    enqueue(database, queue, *"abc")
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what is heard again at the end is not for the test itself
    with StopSignal() as stop:

        async def handle(claim: Claim) -> None:
            await completing(database)(claim)
            signal.raise_signal(signal.SIGTERM)

        drained = await QueueRun(database, queue, DrainEnd(stop), prefetch=0).drain(handle)
    signal.signal(signal.SIGTERM, before)
    assert (drained.completed, drained.ending) == (1, Ending.STOPPED)
    assert sorted(states(database).values()) == ["completed", "waiting", "waiting"]


async def test_tasks_that_ended_long_ago_are_forgotten(database: Database) -> None:
    policy = replace(make_queue().policy, keep_completed=Retention(timedelta(hours=1), 100))
    queue = TaskQueue(policy)
    enqueue(database, queue, "old", "new")
    await QueueRun(database, queue, DrainEnd(StopSignal())).drain(completing(database))
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE task SET finished_at = finished_at - interval '2 hours' WHERE key = 'old'"))
    await QueueRun(database, queue, DrainEnd(StopSignal())).drain(completing(database))
    assert states(database) == {"new": "completed"}


async def test_a_heartbeat_goes_on_while_nothing_is_due_and_survives_a_failure(
    database: Database, queue: TaskQueue
) -> None:
    beats: list[float] = []

    def tell() -> None:
        beats.append(time.monotonic())
        if len(beats) == 1:
            raise TransientError("nobody listens")

    run = QueueRun(database, queue, DrainEnd(StopSignal(), idle_seconds=0.5), heartbeat=Heartbeat(tell, 0.1))
    assert (await run.drain(completing(database))).ending is Ending.IDLE
    assert len(beats) >= 2
    told = len(beats)
    await asyncio.sleep(0.2)
    assert len(beats) == told


def test_results_are_handed_on_once() -> None:
    results = Results[int]()
    results.add([1, 2])
    results.add([3])
    assert results.take() == [1, 2, 3]
    assert results.take() == []
