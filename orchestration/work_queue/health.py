"""What stands wrong in a queue.

The tasks that were given up, and those that do not get ahead. Keep out: what stands wrong in a domain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.observability.findings import SAMPLE, Finding
from orchestration.work_queue import statements

if TYPE_CHECKING:
    import sqlalchemy as sa

    from orchestration.work_queue.queue import TaskQueue


def dead_letters(connection: sa.Connection, queue: TaskQueue, *, is_error: bool = False) -> Finding:
    """Dead tasks; an error if the queue must have none."""
    return Finding(
        queue.counts(connection).failed,
        f"`{queue.policy.replay_with or f'orchestration queue replay {queue.name}'}` lets them begin again.",
        ("task", "group", "attempts", "error"),
        [(dead.key, dead.grouping, dead.attempt, dead.error) for dead in queue.dead(connection, SAMPLE)],
        is_error=is_error,
    )


def stuck_tasks(connection: sa.Connection, queue: TaskQueue, *, seconds: float, attempts: int | None = None) -> Finding:
    """Unfinished tasks that have been due, or in one worker's hands, for longer than `seconds`, or were often tried.

    Often is `attempts` times, by default every attempt of the policy but the last, and at least two.
    """
    often = max(2, queue.policy.retry.attempts - 1) if attempts is None else attempts
    values = {"queue": queue.name, "seconds": seconds, "attempts": often, "limit": SAMPLE}
    rows = connection.execute(statements.STUCK, values).all()
    return Finding(
        rows[0].total if rows else 0,
        f"Waiting for long: start another worker, or see why none claims from {queue.name}. Active for long: look at "
        "its worker's log, and stop that run; the task is then free. Tried often: read the error.",
        ("task", "state", "attempts", "lost workers", "seconds", "error"),
        [(row.key, row.state, row.attempt, row.crashes, round(row.seconds), row.error) for row in rows],
    )
