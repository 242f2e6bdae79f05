"""The drain of a queue ends as its caller asked, says what it left, and prunes what ended long ago."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.errors import InvalidInputError, TransientError
from orchestration.runtime.shutdown import GracefulShutdown
from orchestration.work_queue import drain as drain_module
from orchestration.work_queue.drain import CANCELLED, REMOVED, UNSETTLED, Heartbeat, drain_queue
from orchestration.work_queue.model import NewTask, Outcome, Priority
from orchestration.work_queue.options import DrainOptions, StopReason
from orchestration.work_queue.policy import Retention
from orchestration.work_queue.queue import LOCK_CLASS, TaskQueue
from orchestration_tests.work_queue.queues import (
    NOBODY,
    Handling,
    claim,
    completing,
    enqueue,
    make_queue,
    settle,
    settle_all,
    states,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    import pytest

    from orchestration.storage.database import Database
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Settled
    from orchestration.work_queue.options import DrainResult


async def drain(
    database: Database,
    queue: TaskQueue,
    function: Callable[[Claim[Settled]], Awaitable[None]] | None = None,
    options: DrainOptions | None = None,
    *,
    on_batch: Callable[[Sequence[Settled]], None] = lambda _: None,
    keys: Collection[str] | None = None,
    until: Callable[[], bool] | None = None,
    feeders: Sequence[TaskQueue] = (),
    heartbeat: Heartbeat | None = None,
) -> DrainResult:
    """Drain until nothing is queued, unless asked otherwise."""
    return await drain_queue(
        database,
        queue,
        Handling(function or completing()),
        on_batch,
        options or DrainOptions(idle_seconds=None),
        keys=keys,
        until=until,
        feeders=feeders,
        heartbeat=heartbeat,
    )


async def test_without_an_idle_time_it_ends_when_nothing_is_queued(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a", "b")
    drained = await drain(database, queue)
    assert (drained.completed, drained.reason) == (2, StopReason.DONE)


async def test_it_waits_for_a_retry_that_is_due_soon(database: Database) -> None:
    queue = make_queue(wait=0.2)
    enqueue(database, queue, "a")
    attempts: list[int] = []

    async def handle(claim: Claim[Settled]) -> None:
        attempts.append(claim.tasks[0].attempt)
        await asyncio.to_thread(settle_all, claim, TransientError("again") if len(attempts) == 1 else None)

    await drain(database, queue, handle)
    assert attempts == [1, 2]


async def test_it_leaves_a_task_that_is_due_much_later(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, NewTask("tomorrow", delay=86_400.0), NewTask("now"))
    drained = await drain(database, queue)
    assert (drained.completed, drained.reason) == (1, StopReason.DONE)
    assert states(database)["tomorrow"] == "waiting"


async def test_it_waits_for_a_queue_that_feeds_it_while_somebody_works_on_that(database: Database) -> None:
    families, images = make_queue("families"), make_queue("images")
    enqueue(database, families, "a")

    async def feed(claim: Claim[Settled]) -> None:
        await asyncio.sleep(0.3)
        enqueue(database, images, "picture of a")
        await asyncio.to_thread(settle_all, claim)

    assert (await drain(database, images, feeders=[families])).completed == 0  # nobody does
    _, fed = await asyncio.gather(drain(database, families, feed), drain(database, images, feeders=[families]))
    assert fed.completed == 1


async def test_with_an_idle_time_it_stays_that_long(database: Database, queue: TaskQueue) -> None:
    started = time.monotonic()
    drained = await drain(database, queue, options=DrainOptions(idle_seconds=0.3))
    assert drained.reason is StopReason.IDLE
    assert time.monotonic() - started >= 0.3


async def test_what_the_caller_waits_for_ends_it(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, NewTask("later", delay=60.0))
    drained = await drain(database, queue, until=lambda: True)
    assert drained.reason is StopReason.DONE


async def test_a_stop_ends_it_after_the_batch_that_is_handled(database: Database) -> None:
    queue = make_queue(batch=1)
    enqueue(database, queue, *"abc")
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what is raised again at the end is not for the test itself
    with GracefulShutdown() as stop:

        async def handle(claim: Claim[Settled]) -> None:
            await completing()(claim)
            signal.raise_signal(signal.SIGTERM)

        drained = await drain(database, queue, handle, DrainOptions(idle_seconds=None, prefetch=0, stop=stop))
    signal.signal(signal.SIGTERM, before)
    assert (drained.completed, drained.reason) == (1, StopReason.STOPPED)
    assert sorted(states(database).values()) == ["completed", "waiting", "waiting"]


async def test_it_ends_when_its_keys_are_settled_whatever_else_is_queued(database: Database) -> None:
    queue = make_queue(batch=2)
    enqueue(database, queue, *(NewTask(str(n), priority=Priority.LOW) for n in range(50)))
    enqueue(database, queue, *(NewTask(key, priority=Priority.HIGH) for key in "ab"))
    settled: list[str] = []
    drained = await drain(
        database, queue, keys=["a", "b"], on_batch=lambda batch: settled.extend(one.task.key for one in batch)
    )
    assert (drained.reason, drained.unsettled) == (StopReason.DONE, {})
    assert settled[:2] == ["a", "b"]
    assert set(states(database).values()) == {"completed", "waiting"}


async def test_it_waits_for_a_retry_of_its_keys(database: Database) -> None:
    queue = make_queue(wait=0.2)
    enqueue(database, queue, "a")

    async def handle(claim: Claim[Settled]) -> None:
        error = None if claim.tasks[0].attempt == 2 else TransientError("again")
        await asyncio.to_thread(settle_all, claim, error)

    drained = await drain(database, queue, handle, keys=["a"])
    assert (drained.completed, drained.retried, drained.unsettled) == (1, 1, {})


async def test_it_tells_why_keys_were_not_settled(database: Database, queue: TaskQueue) -> None:
    """Another drain may have had them: what it completed needs no word."""
    enqueue(database, queue, "broken elsewhere", "completed elsewhere", "cancelled")
    broken, completed, _ = claim(database, queue)
    settle(database, queue, [broken], InvalidInputError("HTML instead of JSON"))
    settle(database, queue, [completed])
    with database.begin() as connection:
        queue.request_cancel(connection, "cancelled")
        queue.release_all(connection, NOBODY)
    enqueue(database, queue, NewTask("still queued", delay=60))
    names = ["broken elsewhere", "completed elsewhere", "cancelled", "removed", "still queued"]
    drained = await drain(database, queue, options=DrainOptions(max_seconds=0.2), keys=names)
    assert drained.reason is StopReason.TIME
    assert drained.unsettled == {
        "broken elsewhere": "InvalidInputError: HTML instead of JSON",
        "cancelled": CANCELLED,
        "removed": REMOVED,
        "still queued": UNSETTLED,
    }


async def test_keys_that_another_drain_settles_end_it(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    with database.begin() as connection:
        worker = queue.register_worker(connection)
    with database.connect() as living:
        living.execute(
            sa.text("SELECT pg_advisory_lock_shared(:lock, :worker)"), {"lock": LOCK_CLASS, "worker": worker}
        )
        tasks = claim(database, queue, worker)
        draining = asyncio.create_task(drain(database, queue, keys=["a"]))
        await asyncio.sleep(0.2)
        assert not draining.done()
        await asyncio.to_thread(settle, database, queue, tasks)
        drained = await draining
        living.execute(sa.text("SELECT pg_advisory_unlock_all()"))
    assert (drained.completed, drained.reason, drained.unsettled) == (0, StopReason.DONE, {})


async def test_a_key_that_died_here_is_a_result_and_not_unsettled(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")

    async def handle(claim: Claim[Settled]) -> None:
        raise InvalidInputError(f"{claim.tasks[0].key} is broken")

    results: list[Settled] = []
    drained = await drain(database, queue, handle, keys=["a"], on_batch=results.extend)
    assert (drained.dead, drained.unsettled) == (1, {})
    assert [one.task.key for one in results] == ["a"]


def short_lived() -> TaskQueue:
    policy = replace(make_queue().policy, keep_completed=Retention(timedelta(hours=1), 100))
    return TaskQueue(policy)


def age(database: Database, key: str) -> None:
    with database.begin() as connection:
        connection.execute(
            sa.text("UPDATE task SET finished_at = finished_at - interval '2 hours' WHERE key = :key"), {"key": key}
        )


async def test_tasks_that_ended_long_ago_are_forgotten(database: Database) -> None:
    queue = short_lived()
    enqueue(database, queue, "old", "new")
    await drain(database, queue)
    age(database, "old")
    await drain(database, queue)
    assert states(database) == {"new": "completed"}


async def test_a_warm_drain_prunes_while_it_is_up(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain_module, "PRUNE_SECONDS", 0.05)
    queue = short_lived()
    enqueue(database, queue, "old", "new")
    is_pruned = asyncio.Event()
    draining = asyncio.create_task(
        drain(database, queue, options=DrainOptions(idle_seconds=1_000), until=is_pruned.is_set)
    )
    await until(lambda: set(states(database).values()) == {"completed"})
    age(database, "old")
    await until(lambda: states(database) == {"new": "completed"})
    assert not draining.done()
    enqueue(database, queue, "last")
    await until(lambda: states(database).get("last") == "completed")
    is_pruned.set()
    assert (await draining).completed == 3


async def test_a_heartbeat_goes_on_while_nothing_is_due_and_survives_a_failure(
    database: Database, queue: TaskQueue
) -> None:
    beats: list[float] = []

    def report() -> None:
        beats.append(time.monotonic())
        if len(beats) == 1:
            raise TransientError("nobody listens")

    options = DrainOptions(idle_seconds=0.5)
    drained = await drain(database, queue, options=options, heartbeat=Heartbeat(report, 0.1))
    assert drained.reason is StopReason.IDLE
    assert len(beats) >= 2
    reported = len(beats)
    await asyncio.sleep(0.2)
    assert len(beats) == reported


async def test_what_was_done_is_returned_though_the_last_pruning_fails(database: Database, queue: TaskQueue) -> None:
    """A database may go away in the last moment; nobody else would report what the drain has done."""
    enqueue(database, queue, "a", "b")

    async def handle(claim: Claim[Settled]) -> None:
        with claim.transaction() as connection:
            claim.settle(connection, [Outcome(task) for task in claim.tasks])
            # nothing but pruning touches the totals, into which it folds the statistics
            connection.execute(sa.text("ALTER TABLE task_total RENAME TO elsewhere"))

    drained = await drain(database, queue, handle, keys=["a", "b"])
    assert drained.completed == 2
