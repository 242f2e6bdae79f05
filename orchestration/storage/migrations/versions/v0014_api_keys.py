"""API keys, the ids by which callers know their requests for work, and queues that are paused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create two tables, and give the table of requests two columns."""
    op.create_table(
        "api_key",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False, comment="SHA-256 of the secret, which nobody keeps"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), comment="To the minute"),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("role IN ('read', 'enqueue', 'admin')", name=op.f("ck_api_key_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("name", name=op.f("uq_api_key_name")),
    )
    op.create_table(
        "task_pause",
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("paused_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("queue", name=op.f("pk_task_pause")),
        comment="Queues of which no task is claimed",
    )
    op.add_column("work_request", sa.Column("request_id", sa.Text, comment="The caller's own id of it"))
    op.add_column("work_request", sa.Column("http_request_id", sa.Text, comment="Of the HTTP request that asked"))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("work_request", "http_request_id")
    op.drop_column("work_request", "request_id")
    op.drop_table("task_pause")
    op.drop_table("api_key")
