"""Stopping a supplier's sync: what waits is taken from the queue, what runs is cancelled.

It reaches all that the sync has asked for. Keep out: how a worker cancels an attempt (`work_queue`).

A stopped sync is not taken up by itself at once. The next Import.txt, the nightly audit and a sync by hand go on where
it ended, since what was not imported still differs from the feed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.catalogue.feed.suppliers import known_suppliers
from orchestration.catalogue.feed.sync_runs import stop_sync
from orchestration.errors import NotFoundError

if TYPE_CHECKING:
    from orchestration.work_queue.queue import TaskQueue


class Stopped(NamedTuple):
    """How many families were taken from the queue, and how many a worker was told to leave."""

    cancelled: int
    interrupted: int


def stop_supplier(connection: sa.Connection, queue: TaskQueue, code: str, by: str) -> Stopped:
    """Stop the supplier's sync; `queue` is that of the families. Raises `NotFoundError` for an unknown code."""
    if code not in known_suppliers(connection):
        raise NotFoundError(f"{code} is no supplier that was ever synced; `orchestration status` lists them")
    cancelled = queue.cancel(connection, code)
    active = connection.execute(_ACTIVE, {"queue": queue.name, "supplier": code}).scalars().all()
    interrupted = sum(queue.request_cancel(connection, key) is not None for key in active)
    how = f"the next Import.txt, the nightly audit or `orchestration sync --supplier {code}` goes on"
    stop_sync(connection, code, message=f"Stopped by {by}; {how}")
    return Stopped(cancelled, interrupted)


_ACTIVE = sa.text("""
    SELECT key FROM task WHERE queue = :queue AND "grouping" = :supplier AND state = 'active' ORDER BY key
""")
