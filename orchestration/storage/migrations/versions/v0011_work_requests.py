"""Requests: work that people and programs ask for, as rows that a sensor picks up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from orchestration.storage.transitions import attach_transitions, detach_transitions

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_STEPS = {"waiting": ["started", "completed", "failed"], "started": ["completed", "failed"]}


def upgrade() -> None:
    """Create the table of requests."""
    op.create_table(
        "work_request",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("arguments", postgresql.JSONB, nullable=False),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("state", sa.Text, server_default="waiting", nullable=False),
        sa.Column("run_id", sa.Text),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("result", postgresql.JSONB),
        sa.Column("error", sa.Text),
        sa.CheckConstraint(
            "state IN ('waiting', 'started', 'completed', 'failed')", name=op.f("ck_work_request_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_request")),
    )
    unfinished = sa.text("state IN ('waiting', 'started')")
    op.create_index("ix_work_request_unfinished", "work_request", ["id"], postgresql_where=unfinished)
    op.create_index("ix_work_request_kind_id", "work_request", ["kind", "id"])
    attach_transitions(op, "work_request", "state", _STEPS, initial=["waiting"])


def downgrade() -> None:
    """Drop it."""
    detach_transitions(op, "work_request", "state")
    op.drop_table("work_request")
