"""The tables of preview jobs, and of what is counted about them.

A job's row outlives the queue's task, so that a late repeat of a payload finds its job instead of making another. Keep
out: statements.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.previews.jobs.states import Counted, ErrorType, JobState
from orchestration.storage.schema import metadata

_STATES = ", ".join(f"'{state}'" for state in JobState)
_ERRORS = ", ".join(f"'{kind}'" for kind in ErrorType)
_COUNTED = ", ".join(f"'{outcome}'" for outcome in Counted)
_FINAL = ", ".join(f"'{state}'" for state in JobState if state.is_final)

preview_job = sa.Table(
    "preview_job",
    metadata,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("project_id", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("payload", pg.JSONB, nullable=False, comment="As it was sent"),
    sa.Column("priority", sa.Text, nullable=False),
    sa.Column("dry_run", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default=JobState.QUEUED),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    sa.Column("stage", sa.Text, comment="What its rendering does now"),
    sa.Column("percent", sa.Float, nullable=False, server_default="0", comment="Never falls, over attempts too"),
    sa.Column("eta_seconds", sa.Float),
    sa.Column("result", pg.JSONB, comment="Files with their keys, proof and notes; or the storyboard of a dry run"),
    sa.Column("error", sa.Text, comment="What the last attempt failed with"),
    sa.Column("error_type", sa.Text),
    sa.Column("faults", pg.JSONB, comment="Of an invalid payload or asset: path and problem of each"),
    sa.Column("first_failed_at", sa.DateTime(timezone=True)),
    sa.Column(
        "renders", sa.Integer, nullable=False, server_default="0", comment="How often it was rendered to the end"
    ),
    sa.Column("notices", sa.Integer, nullable=False, server_default="0", comment="Notices sent to its callback"),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("started_at", sa.DateTime(timezone=True)),
    sa.Column("finished_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint(f"state IN ({_STATES})", name="state"),
    sa.CheckConstraint("priority IN ('low', 'normal', 'high')", name="priority"),
    sa.CheckConstraint(f"error_type IN ({_ERRORS})", name="error_type"),
    sa.CheckConstraint("percent BETWEEN 0 AND 100 AND attempt >= 0", name="progress"),
    sa.CheckConstraint(f"(state IN ({_FINAL})) = (finished_at IS NOT NULL)", name="finished"),
    sa.CheckConstraint("state <> 'completed' OR result IS NOT NULL", name="completed"),
    sa.CheckConstraint("state <> 'failed' OR error IS NOT NULL", name="failed"),
)
sa.Index("ix_preview_job_finished_at", preview_job.c.finished_at)
sa.Index("ix_preview_job_created_at", preview_job.c.created_at)
sa.Index("ix_preview_job_request_id", preview_job.c.request_id)

preview_count = sa.Table(
    "preview_count",
    metadata,
    sa.Column("outcome", sa.Text, primary_key=True),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.CheckConstraint(f"outcome IN ({_COUNTED})", name="outcome"),
)
