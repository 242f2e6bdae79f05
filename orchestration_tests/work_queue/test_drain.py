"""The drain at work: what it takes, how it shares, and what wakes it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.errors import InvalidInputError
from orchestration.work_queue.model import NewTask, Outcome, Priority
from orchestration.work_queue.options import DrainResult, StopReason
from orchestration.work_queue.policy import QueuePolicy, RetryPolicy
from orchestration.work_queue.queue import TaskQueue
from orchestration.work_queue.worker import Worker
from orchestration_tests.work_queue.queues import (
    NOBODY,
    completing,
    drain,
    enqueue,
    keys,
    make_queue,
    reap,
    settle_all,
    states,
    until,
)

if TYPE_CHECKING:
    from orchestration.storage.database import Database
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Settled


async def test_a_drain_completes_everything_and_ends_when_idle(database: Database) -> None:
    queue = make_queue(batch=10)
    enqueue(database, queue, *(str(n) for n in range(95)))
    with Worker(database, queue) as worker:
        drained = await drain(worker, completing(), idle_seconds=0)
    assert drained == DrainResult(completed=95, retried=0, dead=0, reason=StopReason.IDLE)
    assert set(states(database).values()) == {"completed"}


async def test_claims_grow_behind_a_backlog_in_order_and_are_small_again_after_it(database: Database) -> None:
    queue = make_queue(batch=3, largest_batch=12)
    enqueue(database, queue, *(f"{n:02}" for n in range(40)))
    claims: list[list[str]] = []

    async def note(claim: Claim[Settled]) -> None:
        claims.append([task.key for task in claim.tasks])
        settle_all(claim)

    with Worker(database, queue) as worker:
        await drain(worker, note, idle_seconds=0)
        enqueue(database, queue, *(f"later{n}" for n in range(4)))
        await drain(worker, note, idle_seconds=0)
    assert [len(keys) for keys in claims] == [3, 6, 12, 12, 7, 3, 1]
    assert [key for keys in claims for key in keys] == sorted(key for keys in claims for key in keys)


async def test_what_is_urgent_does_not_wait_for_the_grown_claims_that_are_held(database: Database) -> None:
    queue = make_queue(batch=2, largest_batch=4)
    enqueue(database, queue, *(f"{n:02}" for n in range(20)))
    claims: list[list[str]] = []
    is_done = asyncio.Event()

    async def handle(claim: Claim[Settled]) -> None:
        claims.append(keys(claim.tasks))
        if "urgent" in claims[-1]:
            is_done.set()
        if [len(tasks) for tasks in claims] == [2, 4, 4]:
            enqueue(database, queue, "usual", NewTask("urgent", priority=Priority.HIGH))
        if len(claim.tasks) > 2:
            await asyncio.wait_for(is_done.wait(), 30)
        settle_all(claim)

    with Worker(database, queue) as worker:
        drained = await drain(worker, handle, idle_seconds=0, concurrency=4)
    assert drained.completed == 22
    assert ["urgent"] in claims


@pytest.mark.parametrize("durable_claims", [True, False])
async def test_what_is_settled_waits_for_the_disk_and_a_claim_only_where_it_must(
    database: Database, *, durable_claims: bool
) -> None:
    queue = TaskQueue(QueuePolicy("mirror", RetryPolicy(1), durable_claims=durable_claims))
    enqueue(database, queue, "a")
    waits: list[str] = []

    def note(connection: sa.Connection) -> None:
        waits.append(connection.exec_driver_sql("SHOW synchronous_commit").scalar_one())

    with Worker(database, queue) as worker:
        sa.event.listen(database._engine, "commit", note)
        await drain(worker, completing(), idle_seconds=0)
        sa.event.remove(database._engine, "commit", note)
    assert set(waits) == ({"on"} if durable_claims else {"on", "off"})


async def test_a_worker_may_drain_again(database: Database, queue: TaskQueue) -> None:
    with Worker(database, queue) as worker:
        for key in "ab":
            enqueue(database, queue, key)
            assert (await drain(worker, completing(), idle_seconds=0)).completed == 1


async def test_two_drains_share_the_work(database: Database) -> None:
    queue = make_queue(batch=5)
    enqueue(database, queue, *(str(n) for n in range(200)))
    with Worker(database, queue) as first, Worker(database, queue) as second:
        both = await asyncio.gather(
            drain(first, completing(), idle_seconds=0), drain(second, completing(), idle_seconds=0)
        )
    assert sum(drained.completed for drained in both) == 200
    assert all(drained.completed for drained in both)


@pytest.mark.parametrize(("concurrency", "prefetch"), [(1, 0), (1, 1), (2, 1), (3, 2)])
async def test_no_more_batches_are_handled_or_held_than_asked_for(
    database: Database, concurrency: int, prefetch: int
) -> None:
    queue = make_queue(batch=2)
    enqueue(database, queue, *(str(n) for n in range(40)))
    handled, held, running = [], [], 0
    together = asyncio.Event()

    async def handle(claim: Claim[Settled]) -> None:
        nonlocal running
        running += 1
        handled.append(running)
        if running == concurrency:
            together.set()
        async with asyncio.timeout(60):  # the first ones wait for each other, also on a busy machine
            await together.wait()
        held.append(list(states(database).values()).count("active"))
        await asyncio.sleep(0.02)
        held.append(list(states(database).values()).count("active"))
        await completing()(claim)
        running -= 1

    with Worker(database, queue) as worker:
        await drain(worker, handle, idle_seconds=0, concurrency=concurrency, prefetch=prefetch)
    assert max(handled) == concurrency
    # On a busy machine the next batches may come too late to be seen.
    assert 2 * concurrency <= max(held) <= 2 * (concurrency + prefetch)


@pytest.mark.usefixtures("no_poll")
async def test_a_task_enqueued_into_an_idle_drain_wakes_it(database: Database, queue: TaskQueue) -> None:
    with Worker(database, queue) as worker:
        draining = asyncio.create_task(drain(worker, completing(), idle_seconds=1_000))
        for key in ("first", "second"):
            await asyncio.sleep(0.05)
            await asyncio.to_thread(enqueue, database, queue, key)
            await until(lambda: set(states(database).values()) == {"completed"})
        worker.stop()
        assert (await draining).reason is StopReason.STOPPED


@pytest.mark.usefixtures("no_poll")
@pytest.mark.parametrize("way", ["release", "reap", "replay"])
async def test_a_task_that_comes_back_wakes_an_idle_drain(database: Database, queue: TaskQueue, way: str) -> None:
    with Worker(database, queue) as worker:
        draining = asyncio.create_task(drain(worker, completing(), idle_seconds=1_000))
        await asyncio.sleep(0.1)
        with database.begin() as connection:
            queue.enqueue(connection, [NewTask("a")])
            tasks = queue.claim(connection, NOBODY)
            if way == "replay":
                queue.settle(connection, [Outcome(tasks[0], InvalidInputError("broken"))])
        await asyncio.sleep(0.1)
        with database.begin() as connection:
            match way:
                case "release":
                    queue.release(connection, NOBODY, tasks)
                case "reap":
                    queue.reap(connection)
                case _:
                    queue.replay(connection)
        await until(lambda: states(database) == {"a": "completed"})
        worker.stop()
        await draining


@pytest.mark.usefixtures("no_poll")
async def test_an_idle_drain_stays_for_a_task_that_is_due_before_it_would_end(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, NewTask("soon", delay=0.2), NewTask("late", delay=60))
    with Worker(database, queue) as worker:
        drained = await drain(worker, completing(), idle_seconds=0.5)
    assert drained == DrainResult(1, 0, 0, StopReason.IDLE)
    assert states(database) == {"soon": "completed", "late": "waiting"}


@pytest.mark.usefixtures("no_poll")
async def test_a_failed_task_is_tried_again_as_soon_as_its_wait_is_over(database: Database) -> None:
    queue = make_queue(attempts=3, wait=0.1)
    enqueue(database, queue, "flaky")

    async def handle(claim: Claim[Settled]) -> None:
        error = ValueError("not yet") if claim.tasks[0].attempt < 3 else None
        await asyncio.to_thread(settle_all, claim, error)

    def is_done() -> bool:
        return states(database) == {"flaky": "completed"}

    with Worker(database, queue) as worker:
        async with asyncio.timeout(10):
            drained = await drain(worker, handle, until=is_done, idle_seconds=1_000)
    assert drained == DrainResult(1, 2, 0, StopReason.DONE)


@pytest.mark.usefixtures("no_poll")
async def test_the_next_in_order_follows_as_soon_as_its_predecessor_is_settled(database: Database) -> None:
    queue = make_queue()
    enqueue(database, queue, *(NewTask(str(n), order_key="a") for n in range(5)))
    handled: list[str] = []

    async def handle(claim: Claim[Settled]) -> None:
        handled.extend(keys(claim.tasks))
        await completing()(claim)

    with Worker(database, queue) as worker:
        await drain(worker, handle, idle_seconds=0, prefetch=2)
    assert handled == ["0", "1", "2", "3", "4"]


async def test_the_event_loop_goes_on_while_a_claim_waits_for_the_database(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, "a")
    with Worker(database, queue) as worker:
        with database.begin() as connection:
            connection.execute(sa.text("LOCK TABLE task IN ACCESS EXCLUSIVE MODE"))
            draining = asyncio.create_task(drain(worker, completing(), idle_seconds=0))
            for _ in range(20):
                await asyncio.sleep(0.005)
            assert not draining.done()
        assert (await draining).completed == 1


async def test_a_worker_keeps_its_tasks_while_a_handler_blocks_the_event_loop(database: Database) -> None:
    queue = make_queue(lease_seconds=0.3)
    enqueue(database, queue, "a")

    async def handle(claim: Claim[Settled]) -> None:
        time.sleep(0.8)  # noqa: ASYNC251  # this is the point
        assert reap(database, queue) == []
        settle_all(claim)

    with Worker(database, queue) as worker:
        assert await drain(worker, handle, idle_seconds=0) == DrainResult(1, 0, 0, StopReason.IDLE)
