"""Small words for the tests: make a queue, fill it, claim from it, look into it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.work_queue.claim import Claim, TaskHandler
from orchestration.work_queue.model import NewTask, Outcome, Settled, Task
from orchestration.work_queue.options import DrainOptions
from orchestration.work_queue.policy import QueuePolicy, Retention, RetryPolicy
from orchestration.work_queue.queue import TaskQueue
from orchestration.work_queue.tables import task as table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from orchestration.storage.database import Database
    from orchestration.work_queue.options import DrainResult
    from orchestration.work_queue.worker import Worker

# A number that no worker of these tests holds a lock on.
NOBODY = 2**30


def make_queue(
    name: str = "images",
    *,
    attempts: int = 3,
    wait: float = 60.0,
    batch: int = 100,
    largest_batch: int = 0,
    lease_seconds: float = 60.0,
    keep: int = 100_000,
) -> TaskQueue:
    retention = Retention(timedelta(days=1), keep)
    retry = RetryPolicy(attempts, wait)
    return TaskQueue(QueuePolicy(name, retry, lease_seconds, batch, largest_batch, keep_completed=retention))


def enqueue(database: Database, queue: TaskQueue, *tasks: NewTask | str) -> None:
    with database.begin() as connection:
        queue.enqueue(connection, [task if isinstance(task, NewTask) else NewTask(task) for task in tasks])


def claim(database: Database, queue: TaskQueue, worker: int = NOBODY, limit: int = 100) -> list[Task]:
    with database.begin() as connection:
        return queue.claim(connection, worker, limit)


def claim_one(database: Database, queue: TaskQueue, worker: int = NOBODY) -> Task:
    (task,) = claim(database, queue, worker, limit=1)
    return task


def settle(database: Database, queue: TaskQueue, tasks: Sequence[Task], error: Exception | None = None) -> None:
    with database.begin() as connection:
        queue.settle(connection, [Outcome(task, error) for task in tasks])


def reap(database: Database, queue: TaskQueue) -> list[str]:
    """The keys of the tasks that were taken back."""
    with database.begin() as connection:
        return [lost.task.key for lost in queue.reap(connection)]


def pass_time(database: Database, seconds: float) -> None:
    """Let every task be that much older."""
    step = sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    stamps = [table.c.run_at, table.c.lease_until, table.c.enqueued_at, table.c.finished_at]
    with database.begin() as connection:
        connection.execute(sa.update(table).values({stamp: stamp - step for stamp in stamps}))


def rows(database: Database) -> dict[str, sa.Row[tuple[object, ...]]]:
    """Every task by its key; of several with one key, the newest."""
    with database.begin() as connection:
        return {row.key: row for row in connection.execute(sa.select(table).order_by(table.c.id))}


def states(database: Database) -> dict[str, str]:
    return {key: row.state for key, row in rows(database).items()}


def keys(tasks: Sequence[Task]) -> list[str]:
    return [task.key for task in tasks]


def settle_all(claim: Claim[Settled], error: Exception | None = None) -> None:
    with claim.transaction() as connection:
        for one in claim.settle(connection, [Outcome(task, error) for task in claim.tasks]):
            claim.report(one.task, one)


class Handling(TaskHandler[Settled]):
    """Handles claims with one function; the result of a task is how it was settled."""

    def __init__(self, function: Callable[[Claim[Settled]], Awaitable[None]]) -> None:
        self._function = function

    async def handle(self, claim: Claim[Settled]) -> None:
        try:
            await self._function(claim)
        finally:
            for one in claim.settled:
                claim.report(one.task, one)

    def failure(self, settled: Settled) -> Settled:
        return settled


def completing() -> Callable[[Claim[Settled]], Awaitable[None]]:
    """A handler that completes whatever it is given."""
    return lambda claim: asyncio.to_thread(settle_all, claim)


def make_claim(database: Database, queue: TaskQueue, tasks: Sequence[Task]) -> Claim[Settled]:
    """A claim outside of a drain: it goes on for ever, and its results go nowhere."""
    return Claim(
        database,
        queue,
        tasks,
        linger=lambda _: None,
        pass_on=lambda _: asyncio.sleep(0),
        is_stopping=lambda: False,
    )


async def drain(
    worker: Worker,
    function: Callable[[Claim[Settled]], Awaitable[None]],
    *,
    until: Callable[[], bool] | None = None,
    on_batch: Callable[[Sequence[Settled]], None] = lambda _: None,
    idle_seconds: float = 30.0,
    max_seconds: float = inf,
    concurrency: int = 1,
    prefetch: int = 1,
) -> DrainResult:
    """Drain with a handler of one function."""
    options = DrainOptions(idle_seconds, max_seconds, concurrency=concurrency, prefetch=prefetch)
    return await worker.drain(Handling(function), on_batch, options=options, until=until)


async def until(true: Callable[[], bool]) -> None:
    """Wait for what only a look into the database can tell."""
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110  # no event marks it
            await asyncio.sleep(0.01)
