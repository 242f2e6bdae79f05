"""The tables of notifications: one row for each notice and channel, and one for each address that has ended.

Rows are kept, since a row shows that its notice was queued before. The state follows the task's, so that it can be seen
after the task has been pruned. Keep out: attempts and waits, which are the task's.
"""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.storage.schema import metadata


class NotificationState(StrEnum):
    """Where a notification is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given up"


_states = ", ".join(f"'{state}'" for state in NotificationState)

notification = sa.Table(
    "notification",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("key", sa.Text, nullable=False, comment="What happened, named for ever"),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("payload", pg.JSONB, nullable=False, comment="The notice"),
    sa.Column("token", sa.Text, nullable=False, unique=True, comment="Random: names the row in tasks and short links"),
    sa.Column("state", sa.Text, nullable=False, server_default=NotificationState.WAITING),
    sa.Column("problem", sa.Text, comment="Why the last attempt failed"),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("delivered_at", sa.DateTime(timezone=True)),
    sa.UniqueConstraint("key", "channel"),
    sa.CheckConstraint(f"state IN ({_states})", name="state"),
    sa.CheckConstraint("(state = 'delivered') = (delivered_at IS NOT NULL)", name="delivered"),
    sa.CheckConstraint("state <> 'given up' OR problem IS NOT NULL", name="problem"),
)

notification_address = sa.Table(
    "notification_address",
    metadata,
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)
