"""A stranger's open transaction: what it has locked is put back uncounted, and nothing else waits for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.work_queue import claim as claim_module
from orchestration.work_queue import claim_runner
from orchestration.work_queue.model import NewTask, Outcome, Settled
from orchestration.work_queue.options import DrainResult, StopReason
from orchestration.work_queue.worker import Worker
from orchestration_tests.work_queue.queues import (
    Handling,
    claim,
    completing,
    drain,
    enqueue,
    rows,
    states,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.storage.database import Database
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.queue import TaskQueue

NAMES = [str(n) for n in range(20)]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim_module, "LOCK_SECONDS", 0.1)
    monkeypatch.setattr(claim_module, "NEXT_LOCK_SECONDS", 0.02)
    monkeypatch.setattr(claim_runner, "PUT_BACK_SECONDS", 0.1)


@pytest.fixture(autouse=True)
def shelf(database: Database) -> None:
    """A table of the domain, with a row for each task."""
    with database.begin() as connection:
        connection.execute(sa.text("CREATE TABLE shelf (key text PRIMARY KEY, writes int NOT NULL)"))
        connection.execute(sa.text("INSERT INTO shelf SELECT unnest(CAST(:keys AS text[])), 0"), {"keys": NAMES})


def writes(database: Database) -> Counter[str]:
    with database.begin() as connection:
        return Counter({row.key: row.writes for row in connection.execute(sa.text("SELECT key, writes FROM shelf"))})


async def put_on_shelf(claim: Claim[Settled]) -> None:
    await asyncio.to_thread(_put_on_shelf, claim)


def _put_on_shelf(claim: Claim[Settled]) -> None:
    with claim.transaction() as connection:
        keys = [task.key for task in claim.tasks]
        connection.execute(sa.text("UPDATE shelf SET writes = writes + 1 WHERE key = ANY (:keys)"), {"keys": keys})
        for one in claim.settle(connection, [Outcome(task) for task in claim.tasks]):
            claim.report(one.task, one)


def lock_shelf(stranger: sa.Connection, *keys: str) -> None:
    stranger.execute(sa.text("SELECT FROM shelf WHERE key = ANY (:keys) FOR UPDATE"), {"keys": list(keys)})


async def test_a_locked_row_of_the_domain_holds_up_its_own_task_only(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, *NAMES)
    results: list[str] = []
    with Worker(database, queue) as worker:
        with database.begin() as stranger:
            lock_shelf(stranger, "3", "11")
            draining = asyncio.create_task(
                drain(
                    worker,
                    put_on_shelf,
                    until=lambda: "waiting" not in states(database).values(),
                    on_batch=lambda batch: results.extend(one.task.key for one in batch),
                )
            )
            await until(lambda: len(results) == 18)
            enqueue(database, queue, "0")
            await until(lambda: len(results) == 19)
        drained = await draining
    assert drained == DrainResult(21, 0, 0, StopReason.DONE)
    assert writes(database) == Counter([*NAMES, "0"])
    assert {row.attempt for row in rows(database).values()} == {1}


async def test_a_locked_task_holds_up_neither_its_batch_nor_the_queue(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, *NAMES)
    begun = asyncio.Event()
    locked = asyncio.Event()
    results: list[str] = []

    async def handle(claim: Claim[Settled]) -> None:
        begun.set()
        await locked.wait()
        await put_on_shelf(claim)

    with Worker(database, queue) as worker:
        draining = asyncio.create_task(
            drain(
                worker,
                handle,
                until=lambda: not {"waiting", "active"} & set(states(database).values()),
                on_batch=lambda batch: results.extend(one.task.key for one in batch),
            )
        )
        await begun.wait()
        with database.begin() as stranger:
            stranger.execute(sa.text("SELECT FROM task WHERE key = '3' FOR UPDATE"))
            locked.set()
            await until(lambda: len(results) == 19)
            enqueue(database, queue, "0")
            await until(lambda: len(results) == 20)
            assert rows(database)["3"].state == "active"
        drained = await draining
    assert drained == DrainResult(21, 0, 0, StopReason.DONE)
    assert writes(database) == Counter([*NAMES, "0"])
    assert {row.attempt for row in rows(database).values()} == {1}


async def test_a_task_that_a_handler_passed_over_is_put_back_uncounted(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, *"abc")
    begun = asyncio.Event()
    locked = asyncio.Event()
    results: list[str] = []

    def mirror(claim: Claim[Settled]) -> None:
        with claim.transaction() as connection:
            held = claim.lock(connection, claim.tasks)
            for one in claim.settle(connection, [Outcome(task) for task in held]):
                claim.report(one.task, one)

    async def handle(claim: Claim[Settled]) -> None:
        begun.set()
        await locked.wait()
        await asyncio.to_thread(mirror, claim)

    with Worker(database, queue) as worker:
        draining = asyncio.create_task(
            drain(
                worker,
                handle,
                until=lambda: not {"waiting", "active"} & set(states(database).values()),
                on_batch=lambda batch: results.extend(one.task.key for one in batch),
            )
        )
        await begun.wait()
        with database.begin() as stranger:
            queue.enqueue(stranger, [NewTask("b", "newer")])
            locked.set()
            await until(lambda: sorted(results) == ["a", "c"])
        assert await draining == DrainResult(3, 0, 0, StopReason.DONE)
    assert (rows(database)["b"].payload, rows(database)["b"].attempt) == ("newer", 1)


async def test_a_worker_leaves_although_a_row_is_locked(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, *"ab")
    with database.begin() as stranger:
        with Worker(database, queue) as worker:

            async def handle(claim: Claim[Settled]) -> None:
                stranger.execute(sa.text("SELECT FROM task WHERE key = 'a' FOR UPDATE"))
                await completing()(claim)

            drained = await drain(worker, handle, idle_seconds=0)
        assert drained == DrainResult(1, 0, 0, StopReason.IDLE)
    with Worker(database, queue) as worker:
        await drain(worker, completing(), idle_seconds=0)
    assert states(database) == {"a": "completed", "b": "completed"}


async def test_a_broken_task_that_a_stranger_has_locked_fails_once_it_is_free(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, "a", "b")
    handled: list[str] = []
    results: list[Settled] = []
    with Worker(database, queue) as worker:
        with database.begin() as stranger:

            async def handle(claim: Claim[Settled]) -> None:
                handled.extend(task.key for task in claim.tasks)
                if len(handled) == 2:
                    stranger.execute(sa.text("SELECT FROM task WHERE key = 'a' FOR UPDATE"))
                if "a" in [task.key for task in claim.tasks]:
                    raise ValueError("broken")
                await completing()(claim)

            draining = asyncio.create_task(
                drain(
                    worker,
                    handle,
                    until=lambda: rows(database)["a"].error is not None,
                    on_batch=results.extend,
                )
            )
            await until(lambda: states(database)["b"] == "completed")
        drained = await draining
    assert (drained.completed, drained.retried) == (1, 1)
    assert [(one.task.key, one.task.attempt) for one in results] == [("b", 1), ("a", 1)]


class Recording(Handling):
    """Notes failures on the shelf."""

    def record_failures(self, connection: sa.Connection, failures: Sequence[Settled]) -> None:
        keys = [one.task.key for one in failures]
        connection.execute(sa.text("UPDATE shelf SET writes = -1 WHERE key = ANY (:keys)"), {"keys": keys})


async def test_lost_tasks_whose_record_is_locked_stay_until_it_is_free_and_the_drain_goes_on(
    database: Database, queue: TaskQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.work_queue.worker.REAP_SECONDS", 0.1)
    enqueue(database, queue, "1")
    claim(database, queue)
    enqueue(database, queue, "2")
    with Worker(database, queue) as worker:
        with database.begin() as stranger:
            lock_shelf(stranger, "1")
            draining = asyncio.create_task(
                worker.drain(Recording(completing()), until=lambda: set(states(database).values()) == {"completed"})
            )
            await until(lambda: states(database)["2"] == "completed")
            assert states(database)["1"] == "active"
        drained = await draining
    assert (drained.completed, drained.retried) == (2, 1)
    assert writes(database)["1"] == -1
