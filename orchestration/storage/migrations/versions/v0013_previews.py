"""Previews: jobs that outlive their tasks, and what is counted about them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from orchestration.storage.transitions import attach_transitions, detach_transitions

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_STEPS = {
    "queued": ["running", "cancelled", "failed"],
    "running": ["queued", "completed", "failed", "cancelled"],
    # A dead letter that is replayed begins again.
    "failed": ["running", "queued"],
}


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "preview_job",
        sa.Column("job_id", sa.Text, nullable=False),
        sa.Column("project_id", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("payload", postgresql.JSONB, nullable=False, comment="As it was sent"),
        sa.Column("priority", sa.Text, nullable=False),
        sa.Column("dry_run", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, server_default="queued", nullable=False),
        sa.Column("attempt", sa.Integer, server_default="0", nullable=False),
        sa.Column("stage", sa.Text, comment="What its rendering does now"),
        sa.Column("percent", sa.Float, server_default="0", nullable=False, comment="Never falls, over attempts too"),
        sa.Column("eta_seconds", sa.Float),
        sa.Column(
            "result", postgresql.JSONB, comment="Files with their keys, proof and notes; or the storyboard of a dry run"
        ),
        sa.Column("error", sa.Text, comment="What the last attempt failed with"),
        sa.Column("error_type", sa.Text),
        sa.Column("faults", postgresql.JSONB, comment="Of an invalid payload or asset: path and problem of each"),
        sa.Column("first_failed_at", sa.DateTime(timezone=True)),
        sa.Column(
            "renders", sa.Integer, server_default="0", nullable=False, comment="How often it was rendered to the end"
        ),
        sa.Column("notices", sa.Integer, server_default="0", nullable=False, comment="Notices sent to its callback"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'completed', 'failed', 'cancelled')", name=op.f("ck_preview_job_state")
        ),
        sa.CheckConstraint("priority IN ('low', 'normal', 'high')", name=op.f("ck_preview_job_priority")),
        sa.CheckConstraint("error_type IN ('invalid', 'render', 'timeout')", name=op.f("ck_preview_job_error_type")),
        sa.CheckConstraint("percent BETWEEN 0 AND 100 AND attempt >= 0", name=op.f("ck_preview_job_progress")),
        sa.CheckConstraint(
            "(state IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL)",
            name=op.f("ck_preview_job_finished"),
        ),
        sa.CheckConstraint("state <> 'completed' OR result IS NOT NULL", name=op.f("ck_preview_job_completed")),
        sa.CheckConstraint("state <> 'failed' OR error IS NOT NULL", name=op.f("ck_preview_job_failed")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_preview_job")),
    )
    op.create_index("ix_preview_job_finished_at", "preview_job", ["finished_at"])
    op.create_index("ix_preview_job_created_at", "preview_job", ["created_at"])
    op.create_table(
        "preview_count",
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.CheckConstraint(
            "outcome IN ('invalid', 'dryrun', 'started', 'completed', 'failed', 'cancelled', 'repeated', 'full')",
            name=op.f("ck_preview_count_outcome"),
        ),
        sa.PrimaryKeyConstraint("outcome", name=op.f("pk_preview_count")),
    )
    attach_transitions(op, "preview_job", "state", _STEPS, initial=["queued"])


def downgrade() -> None:
    """Drop them."""
    detach_transitions(op, "preview_job", "state")
    op.drop_table("preview_count")
    op.drop_table("preview_job")
