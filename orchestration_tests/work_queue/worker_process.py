"""A worker in a process of its own, for tests that kill or stop it: `python -m ... URL LEASE_SECONDS [rounds]`.

A task's payload says what its handling does to the process: nothing, `kill` (by SIGKILL) or `dawdle` (for a second,
after a line on standard output). With `rounds`, tasks are settled in rounds, and `dawdle` takes an hour. What is done
well leaves one row in the table `effect`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.observability.logs import configure_logging
from orchestration.storage.database import Database
from orchestration.work_queue.model import Outcome
from orchestration.work_queue.rounds import settle_in_rounds
from orchestration.work_queue.worker import Worker
from orchestration_tests.work_queue.queues import drain as drain_with
from orchestration_tests.work_queue.queues import make_queue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Settled, Task
    from orchestration.work_queue.options import DrainResult


def leave_effects(claim: Claim[Settled], tasks: Sequence[Task] | None = None) -> None:
    """One row for each task, in the transaction that settles them."""
    done = claim.tasks if tasks is None else tasks
    with claim.transaction() as connection:
        for task in done:
            connection.execute(sa.text("INSERT INTO effect VALUES (:key)"), {"key": task.key})
        claim.settle(connection, [Outcome(task) for task in done])


async def drain(database: Database, lease_seconds: float, *, idle_seconds: float = 0.0) -> DrainResult:
    """Drain the queue, and obey the payloads."""

    async def handle(claim: Claim[Settled]) -> None:
        for task in claim.tasks:
            if task.payload == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if task.payload == "dawdle":
                sys.stdout.write("dawdling\n")
                sys.stdout.flush()
                await asyncio.sleep(1)
        leave_effects(claim)

    with Worker(database, make_queue(wait=0, lease_seconds=lease_seconds)) as worker:
        return await drain_with(worker, handle, idle_seconds=idle_seconds)


async def drain_in_rounds(database: Database, lease_seconds: float, *, idle_seconds: float = 0.0) -> DrainResult:
    """Drain the queue in rounds."""

    async def attempt(task: Task) -> Task:
        if task.payload == "dawdle":
            await asyncio.sleep(3600)
        return task

    def failed(_task: Task, error: Exception) -> Task:
        raise error

    async def handle(claim: Claim[Settled]) -> None:
        await settle_in_rounds(claim, attempt, partial(leave_effects, claim), failed)

    with Worker(database, make_queue(wait=0, lease_seconds=lease_seconds)) as worker:
        return await drain_with(worker, handle, idle_seconds=idle_seconds)


if __name__ == "__main__":
    configure_logging()
    url, lease, *mode = sys.argv[1:]
    asyncio.run((drain_in_rounds if mode else drain)(Database(url), float(lease)))
