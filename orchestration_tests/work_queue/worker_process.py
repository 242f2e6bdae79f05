"""A worker in a process of its own, for tests that kill or stop it: `python -m ... URL LEASE_SECONDS`.

A task's payload says what its handling does to the process: nothing, `kill` (by SIGKILL) or `dawdle` (for a second,
after a line on standard output). What is done well leaves one row in the table `effect`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.storage.database import Database
from orchestration.work_queue.model import Outcome
from orchestration.work_queue.worker import Worker
from orchestration_tests.work_queue.queues import make_queue

if TYPE_CHECKING:
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.drain import Drained


def leave_effects(database: Database, claim: Claim) -> None:
    """One row for each task, in the transaction that settles them."""
    with database.begin() as connection:
        for task in claim.tasks:
            connection.execute(sa.text("INSERT INTO effect VALUES (:key)"), {"key": task.key})
        claim.settle(connection, [Outcome(task) for task in claim.tasks])


async def drain(database: Database, lease_seconds: float, *, idle_seconds: float = 0.0) -> Drained:
    """Work the queue off, and obey the payloads."""

    async def handle(claim: Claim) -> None:
        for task in claim.tasks:
            if task.payload == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if task.payload == "dawdle":
                sys.stdout.write("dawdling\n")
                sys.stdout.flush()
                await asyncio.sleep(1)
        leave_effects(database, claim)

    with Worker(database, make_queue(wait=0, lease_seconds=lease_seconds)) as worker:
        return await worker.drain(handle, idle_seconds=idle_seconds)


if __name__ == "__main__":
    url, lease = sys.argv[1:]
    asyncio.run(drain(Database(url), float(lease)))
