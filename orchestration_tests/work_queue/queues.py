"""Small words for the tests: make a queue, fill it, claim from it, look into it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.work_queue.model import NewTask, Outcome, Task
from orchestration.work_queue.policy import QueuePolicy, RetryPolicy
from orchestration.work_queue.queue import TaskQueue
from orchestration.work_queue.tables import task as table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from orchestration.storage.database import Database
    from orchestration.work_queue.claim import Claim

# A number that no worker of these tests holds a lock on.
NOBODY = 2**30


def make_queue(
    name: str = "images", *, attempts: int = 3, wait: float = 60.0, batch: int = 100, lease_seconds: float = 60.0
) -> TaskQueue:
    return TaskQueue(
        QueuePolicy(name=name, retry=RetryPolicy(attempts, wait), batch=batch, lease_seconds=lease_seconds)
    )


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


def settle_all(database: Database, claim: Claim, error: Exception | None = None) -> None:
    with database.begin() as connection:
        claim.settle(connection, [Outcome(task, error) for task in claim.tasks])


def completing(database: Database) -> Callable[[Claim], Awaitable[None]]:
    """A handler that completes whatever it is given."""
    return lambda claim: asyncio.to_thread(settle_all, database, claim)


async def until(true: Callable[[], bool]) -> None:
    """Wait for what only a look into the database can tell."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110  # no event marks it
            await asyncio.sleep(0.01)
