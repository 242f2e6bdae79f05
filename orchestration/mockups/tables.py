"""The tables of render jobs and of what was made for them.

A job says what was asked and how far it is; its outputs are rows of their own, under content-addressed keys, so that
equal pictures of many jobs are one object. `address` is the digest of everything that decides the outputs: jobs of one
address have equal ones. Deleting a job marks it, so its history stays. Keep out: statements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.mockups.mockup_request import OutputKind
from orchestration.mockups.statuses import ACTIVE, JobStatus
from orchestration.storage.schema import metadata

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_TIME = sa.DateTime(timezone=True)


def _one_of(column: str, values: Iterable[str]) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


def _moment(name: str) -> sa.Column[datetime]:
    return sa.Column(name, _TIME, nullable=False, server_default=sa.func.now())


_kept = sa.text("deleted_at IS NULL")

render_job = sa.Table(
    "render_job",
    metadata,
    sa.Column("id", sa.Text, primary_key=True, comment="rjob_ and a ULID"),
    sa.Column("product_id", sa.Text, nullable=False, comment="The family's a_number"),
    sa.Column("variant_id", sa.Text, comment="The variant's SKU"),
    sa.Column(
        "sku",
        sa.Text,
        sa.Computed("coalesce(variant_id, product_id)", persisted=True),
        nullable=False,
        comment="The garment's: the partition",
    ),
    sa.Column("status", sa.Text, nullable=False, server_default=JobStatus.PENDING),
    sa.Column("progress", sa.Float, nullable=False, server_default="0", comment="Percent"),
    sa.Column("design_file_url", sa.Text),
    sa.Column("design_key", sa.Text, comment="Object key of the design; null until it is stored"),
    sa.Column("preset", sa.Text, nullable=False),
    sa.Column("template_id", sa.Text, comment="The garment; null for the default one"),
    sa.Column("options", pg.JSONB, nullable=False, server_default="{}", comment="Fabric, background, mode, sizes"),
    sa.Column("address", sa.Text, comment="Digest of all that decides the outputs"),
    sa.Column("error_message", sa.Text),
    sa.Column("metadata", pg.JSONB, nullable=False, server_default="{}"),
    sa.Column("started_at", _TIME),
    sa.Column("completed_at", _TIME, comment="When it ended, well or not"),
    _moment("created_at"),
    _moment("updated_at"),
    sa.Column("deleted_at", _TIME),
    sa.CheckConstraint("product_id <> '' AND variant_id <> ''", name="garment"),
    sa.CheckConstraint("design_file_url <> ''", name="design_file_url"),
    sa.CheckConstraint(_one_of("status", JobStatus), name="status"),
    sa.CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
    sa.CheckConstraint(
        f"({_one_of('status', ACTIVE)}) = (completed_at IS NULL)"
        " AND (status NOT IN ('compositing', 'rendering', 'completed') OR started_at IS NOT NULL)",
        name="times",
    ),
    sa.CheckConstraint("jsonb_typeof(metadata) = 'object'", name="metadata"),
    sa.Index("ix_render_job_created_at", "created_at", "id", postgresql_where=_kept),
    sa.Index("ix_render_job_product_id", "product_id", "created_at", "id", postgresql_where=_kept),
    sa.Index("ix_render_job_status", "status", "created_at", "id", postgresql_where=_kept),
    sa.Index("ix_render_job_product_id_status", "product_id", "status", postgresql_where=_kept),
    sa.Index("ix_render_job_sku", "sku", "created_at", "id", postgresql_where=_kept),
    sa.Index(
        "ix_render_job_active",
        "created_at",
        "id",
        postgresql_where=sa.text(f"deleted_at IS NULL AND {_one_of('status', ACTIVE)}"),
    ),
    sa.Index(
        "ix_render_job_failed", "completed_at", postgresql_where=sa.text("deleted_at IS NULL AND status = 'failed'")
    ),
    sa.Index("ix_render_job_address", "address", "created_at"),
    sa.Index("ix_render_job_design_key", "design_key"),
    sa.Index(
        "ix_render_job_further_prints",
        sa.text("(options -> 'further_prints')"),
        postgresql_using="gin",
    ),
)

render_output = sa.Table(
    "render_output",
    metadata,
    sa.Column("job_id", sa.ForeignKey("render_job.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("angle", sa.Text, primary_key=True, server_default="", comment="The view, the panel, or empty"),
    sa.Column("object_key", sa.Text, index=True),
    sa.Column("url", sa.Text, comment="Of a result that was made elsewhere"),
    sa.Column("mime", sa.Text),
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
    sa.Column("bytes", sa.BigInteger),
    sa.Column("sha256", sa.Text),
    sa.Column("garment_version", sa.Text),
    sa.Column("renderer_version", sa.Text),
    sa.Column("facts", pg.JSONB, nullable=False, server_default="{}", comment="What is known of the picture"),
    _moment("created_at"),
    sa.CheckConstraint(_one_of("kind", OutputKind), name="kind"),
    sa.CheckConstraint(
        "(object_key IS NULL) <> (url IS NULL) AND (object_key IS NULL OR sha256 IS NOT NULL AND bytes IS NOT NULL"
        " AND garment_version IS NOT NULL AND renderer_version IS NOT NULL)",
        name="source",
    ),
)
