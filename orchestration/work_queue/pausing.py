"""Pausing a queue: its tasks stay, new ones come, and none is claimed until it is resumed.

What is being worked on goes on. Keep out: claiming, which reads the table in its own statement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.work_queue import statements
from orchestration.work_queue.tables import task_pause

if TYPE_CHECKING:
    from datetime import datetime

    from orchestration.work_queue.queue import TaskQueue


class Pause(NamedTuple):
    """A queue that is paused, since when and by whom."""

    queue: str
    paused_at: datetime
    paused_by: str


def pause(connection: sa.Connection, queue: TaskQueue, *, by: str) -> bool:
    """Let no task of the queue be claimed from now on; False when it was paused before."""
    row = pg.insert(task_pause).values(queue=queue.name, paused_by=by).on_conflict_do_nothing()
    return connection.execute(row.returning(task_pause.c.queue)).one_or_none() is not None


def resume(connection: sa.Connection, queue: TaskQueue) -> bool:
    """Let the queue's tasks be claimed again, and wake its workers at commit; False when it was not paused."""
    resumed = connection.execute(sa.delete(task_pause).where(task_pause.c.queue == queue.name)).rowcount == 1
    connection.execute(statements.NOTIFY, {"queue": queue.name})
    return resumed


def pauses(connection: sa.Connection) -> dict[str, Pause]:
    """The queues that are paused, by name."""
    rows = connection.execute(sa.select(*(task_pause.c[name] for name in Pause._fields)))
    return {row.queue: Pause(*row) for row in rows}
