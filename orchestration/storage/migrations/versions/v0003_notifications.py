"""Create the table of notifications."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    _create_notification()


def downgrade() -> None:
    """Take it back."""
    op.drop_table("notification")


def _create_notification() -> None:
    op.create_table(
        "notification",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="What happened, named for ever"),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="The notice"),
        sa.Column("token", sa.Text(), nullable=False, comment="Random: names the row in tasks and short links"),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("problem", sa.Text(), nullable=True, comment="Why the last attempt failed"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'delivered', 'given up')", name=op.f("ck_notification_state")),
        sa.CheckConstraint(
            "(state = 'delivered') = (delivered_at IS NOT NULL)", name=op.f("ck_notification_delivered")
        ),
        sa.CheckConstraint("state <> 'given up' OR problem IS NOT NULL", name=op.f("ck_notification_problem")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")),
        sa.UniqueConstraint("key", "channel", name=op.f("uq_notification_key_channel")),
        sa.UniqueConstraint("token", name=op.f("uq_notification_token")),
    )
