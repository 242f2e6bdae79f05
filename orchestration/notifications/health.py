"""What stands wrong with notifications.

Belongs here: those that were given up. Does not: how the answer is shown.
"""

from __future__ import annotations

import sqlalchemy as sa

from orchestration.observability.findings import SAMPLE, Finding


def given_up(connection: sa.Connection) -> Finding:
    """Notifications that were given up and can still be tried again."""
    rows = connection.execute(_GIVEN_UP, {"limit": SAMPLE}).all()
    return Finding(
        rows[0].total if rows else 0,
        "Mend what the error names; `orchestration queue replay notification` tries them again.",
        ("channel", "notice", "event", "attempts", "error"),
        [(row.channel, row.key, row.event, row.attempt, row.error) for row in rows],
    )


_GIVEN_UP = sa.text("""
    SELECT n.channel, n.key, n.event, t.attempt, t.error, count(*) OVER () AS total
    FROM task AS t JOIN notification AS n ON n.token = t.payload ->> 'token'
    WHERE t.queue = 'notification' AND t.state = 'dead'
    ORDER BY t.finished_at DESC, t.id DESC LIMIT :limit
""")
