"""What is wrong with notifications now: the dead ones. Keep out: how the answer is shown."""

from __future__ import annotations

import sqlalchemy as sa

from orchestration.observability.findings import SAMPLE, Finding


def dead_notifications(connection: sa.Connection) -> Finding:
    """Dead notifications that can still be replayed."""
    rows = connection.execute(_DEAD, {"limit": SAMPLE}).all()
    return Finding(
        rows[0].total if rows else 0,
        "Fix what the error names; `orchestration queue replay notification` tries them again.",
        ("channel", "notice", "event", "attempts", "error"),
        [(row.channel, row.key, row.event, row.attempt, row.error) for row in rows],
        is_error=True,
    )


_DEAD = sa.text("""
    SELECT n.channel, n.key, n.event, t.attempt, t.error, count(*) OVER () AS total
    FROM task AS t JOIN notification AS n ON n.token = t.payload ->> 'token'
    WHERE t.queue = 'notification' AND t.state = 'dead'
    ORDER BY t.finished_at DESC, t.id DESC LIMIT :limit
""")
