"""What stands wrong in a queue.

Belongs here: the tasks that were given up. Does not: what stands wrong in a domain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.observability.findings import SAMPLE, Finding

if TYPE_CHECKING:
    import sqlalchemy as sa

    from orchestration.work_queue.queue import TaskQueue


def dead_letters(connection: sa.Connection, queue: TaskQueue) -> Finding:
    """Tasks that were given up."""
    return Finding(
        queue.counts(connection).failed,
        f"`orchestration queue replay {queue.name}` lets them begin anew.",
        ("task", "group", "attempts", "error"),
        [(dead.key, dead.grouping, dead.attempt, dead.error) for dead in queue.dead(connection, SAMPLE)],
    )
