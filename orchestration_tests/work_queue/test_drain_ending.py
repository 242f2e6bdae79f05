"""How a drain ends, and what becomes of what it holds then."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from orchestration.work_queue.model import (
    Outcome,
    Settled,
)
from orchestration.work_queue.options import DrainResult, StopReason
from orchestration.work_queue.worker import Worker
from orchestration_tests.work_queue.queues import (
    completing,
    drain,
    enqueue,
    keys,
    make_queue,
    rows,
    states,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.storage.database import Database
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Settled
    from orchestration.work_queue.queue import TaskQueue


async def test_a_stopped_drain_finishes_the_batch_in_hand_and_gives_the_others_back(database: Database) -> None:
    queue = make_queue(batch=1)
    enqueue(database, queue, *"abcde")
    with Worker(database, queue) as worker:

        async def handle(claim: Claim[Settled]) -> None:
            await until(lambda: list(states(database).values()).count("active") == 3)  # both prefetched are here
            worker.stop()
            await completing()(claim)

        drained = await drain(worker, handle, idle_seconds=1_000, prefetch=2)
        assert drained == DrainResult(1, 0, 0, StopReason.STOPPED)
        assert {key: (row.state, row.attempt) for key, row in rows(database).items()} == {
            "a": ("completed", 1),
            **dict.fromkeys("bcde", ("waiting", 0)),
        }


@pytest.mark.usefixtures("no_poll")
async def test_an_idle_drain_ends_as_soon_as_it_is_stopped(database: Database, queue: TaskQueue) -> None:
    with Worker(database, queue) as worker:
        draining = asyncio.create_task(drain(worker, completing(), idle_seconds=1_000))
        await asyncio.sleep(0.1)
        worker.stop()
        async with asyncio.timeout(10):
            assert (await draining).reason is StopReason.STOPPED


async def test_a_drain_that_was_stopped_before_it_began_takes_nothing(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    with Worker(database, queue) as worker:
        worker.stop()
        assert (await drain(worker, completing())).reason is StopReason.STOPPED
    assert rows(database)["a"].token == 0


async def test_a_drain_ends_when_its_time_is_up_though_there_is_work(database: Database) -> None:
    queue = make_queue(batch=1)
    enqueue(database, queue, *(str(n) for n in range(50)))
    now = 0.0

    async def handle(claim: Claim[Settled]) -> None:
        nonlocal now
        now += 10
        await completing()(claim)

    with Worker(database, queue, clock=lambda: now) as worker:
        drained = await drain(worker, handle, max_seconds=25)
        assert drained == DrainResult(3, 0, 0, StopReason.TIME)
        assert "active" not in states(database).values()


async def test_a_drain_ends_as_soon_as_it_is_told_that_all_is_done(database: Database) -> None:
    queue = make_queue(attempts=2, wait=0.2)
    enqueue(database, queue, "a", "b")
    failed: set[str] = set()

    async def handle(claim: Claim[Settled]) -> None:
        outcomes = [Outcome(task, None if task.key in failed else ValueError("first time")) for task in claim.tasks]
        failed.update(keys(claim.tasks))
        with claim.transaction() as connection:
            claim.settle(connection, outcomes)

    def nothing_left() -> bool:
        return "waiting" not in states(database).values()

    with Worker(database, queue) as worker:
        drained = await drain(worker, handle, until=nothing_left, idle_seconds=1_000)
    assert drained == DrainResult(2, 2, 0, StopReason.DONE)


async def test_a_report_that_fails_ends_the_drain_with_its_error(database: Database) -> None:
    queue = make_queue(batch=1)
    enqueue(database, queue, "a", "b")

    def report(settled: Sequence[Settled]) -> None:
        raise ZeroDivisionError(len(settled))

    with Worker(database, queue) as worker, pytest.raises(ZeroDivisionError):
        await drain(worker, completing(), on_batch=report)
    assert "active" not in states(database).values()


async def test_a_cancelled_drain_gives_everything_back_when_the_worker_leaves(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, "a", "b")
    begun = asyncio.Event()

    async def handle(claim: Claim[Settled]) -> None:
        begun.set()
        await asyncio.sleep(1_000)
        raise AssertionError(claim)

    with Worker(database, queue) as worker:
        draining = asyncio.create_task(drain(worker, handle))
        await begun.wait()
        draining.cancel()
        with pytest.raises(asyncio.CancelledError):
            await draining
    assert {row.attempt for row in rows(database).values()} == {0}
    assert set(states(database).values()) == {"waiting"}


async def test_a_drain_of_nothing_ends_at_once(database: Database, queue: TaskQueue) -> None:
    with Worker(database, queue) as worker:
        assert await drain(worker, completing(), idle_seconds=0) == DrainResult(0, 0, 0, StopReason.IDLE)
