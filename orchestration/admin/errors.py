"""Errors: dead tasks grouped by what they share, when they first and last came, and whether that is over.

Somebody calls an error resolved; one that comes again after that has regressed. Keep out: replaying (`bulk`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.admin.tables import error_mark
from orchestration.work_queue.browsing import ErrorGroup, deaths_by_hour, error_groups

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

HOURS = 24


class KnownError(NamedTuple):
    """A group of dead tasks, how many died in each of the last hours, and its mark, if it has one."""

    group: ErrorGroup
    by_hour: Sequence[int]
    resolved_at: datetime | None
    resolved_by: str | None

    @property
    def state(self) -> str:
        """Open; resolved; or regressed, when tasks died of it after it was resolved."""
        if self.resolved_at is None:
            return "open"
        return "regressed" if self.group.last_at > self.resolved_at else "resolved"


def known_errors(
    connection: sa.Connection, queue: str | None = None, fingerprint: str | None = None, *, limit: int = 100
) -> list[KnownError]:
    """The errors of a queue or of all, the most frequent first."""
    groups = error_groups(connection, queue, fingerprint, limit=limit)
    hours = deaths_by_hour(connection, HOURS, queue)
    marks = {
        (row.queue, row.fingerprint): row
        for row in connection.execute(
            sa.select(error_mark).where(error_mark.c.queue.in_({one.queue for one in groups}))
        )
    }
    found = []
    for one in groups:
        mark = marks.get((one.queue, one.fingerprint))
        by_hour = hours.get((one.queue, one.fingerprint), [0] * HOURS)
        found.append(KnownError(one, by_hour, *((mark.resolved_at, mark.resolved_by) if mark else (None, None))))
    return found


def resolve_error(connection: sa.Connection, queue: str, fingerprint: str, by: str, note: str) -> None:
    """Call an error resolved, as of now."""
    row = {"queue": queue, "fingerprint": fingerprint, "resolved_by": by, "note": note}
    statement = pg.insert(error_mark).values(row)
    changed = {"resolved_at": sa.func.now(), "resolved_by": by, "note": note}
    connection.execute(statement.on_conflict_do_update(index_elements=["queue", "fingerprint"], set_=changed))


def count_regressed(connection: sa.Connection) -> int:
    """How many errors came again after they were resolved."""
    return int(connection.execute(_REGRESSED).scalar_one())


_REGRESSED = sa.text("""
SELECT count(*) FROM error_mark AS m WHERE EXISTS (
    SELECT FROM task AS t WHERE t.state = 'dead' AND t.queue = m.queue AND t.fingerprint = m.fingerprint
        AND t.finished_at > m.resolved_at)""")
