"""What is wrong with notifications now: dead ones, and addresses that have ended. Keep out: how it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.notifications.addresses import ended_addresses
from orchestration.observability.findings import SAMPLE, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestration.notifications.channel import Channel


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


def ended_channels(connection: sa.Connection, channels: Iterable[Channel]) -> Finding:
    """Channels that are set and whose receiver wants nothing more; new notices pass them over."""
    ended = ended_addresses(connection, channels)
    remedy = "Set another address, or none: until then nobody is notified there."
    return Finding(len(ended), remedy, ("address", "reason"), list(ended.items()), is_error=True)


_DEAD = sa.text("""
    SELECT n.channel, n.key, n.event, t.attempt, t.error, count(*) OVER () AS total
    FROM task AS t JOIN notification AS n ON n.token = t.payload ->> 'token'
    WHERE t.queue = 'notification' AND t.state = 'dead'
    ORDER BY t.finished_at DESC, t.id DESC LIMIT :limit
""")
