"""Mockups: render jobs, whose states the database enforces, and their outputs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from orchestration.storage.transitions import attach_transitions, detach_transitions

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_STEPS = {
    "pending": ["compositing", "failed"],
    "compositing": ["rendering", "failed"],
    "rendering": ["completed", "failed"],
}
_STATUSES = "status IN ('pending', 'compositing', 'rendering', 'completed', 'failed')"
_ACTIVE = "status IN ('pending', 'compositing', 'rendering')"
_KINDS = (
    "kind IN ('composite', 'print_file', 'still', 'turntable', 'poster', 'animation', 'sprite_sheet', 'viewer',"
    " 'model')"
)
_TIME = sa.DateTime(timezone=True)
_JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    """Create the tables, and let no state be written out of order."""
    _create_render_job()
    _create_indexes()
    _create_render_output()
    attach_transitions(op, "render_job", "status", _STEPS, initial=["pending"])


def downgrade() -> None:
    """Drop them."""
    detach_transitions(op, "render_job", "status")
    op.drop_table("render_output")
    op.drop_table("render_job")


def _create_render_job() -> None:
    op.create_table(
        "render_job",
        sa.Column("id", sa.Text, nullable=False, comment="rjob_ and a ULID"),
        sa.Column("product_id", sa.Text, nullable=False, comment="The family's a_number"),
        sa.Column("variant_id", sa.Text, comment="The variant's SKU"),
        sa.Column(
            "sku",
            sa.Text,
            sa.Computed("coalesce(variant_id, product_id)", persisted=True),
            nullable=False,
            comment="The garment's: the partition",
        ),
        sa.Column("status", sa.Text, server_default="pending", nullable=False),
        sa.Column("progress", sa.Float, server_default="0", nullable=False, comment="Percent"),
        sa.Column("design_file_url", sa.Text),
        sa.Column("design_key", sa.Text, comment="Object key of the design; null until it is stored"),
        sa.Column("preset", sa.Text, nullable=False),
        sa.Column("template_id", sa.Text, comment="The garment; null for the default one"),
        sa.Column("options", _JSON, server_default="{}", nullable=False, comment="Fabric, background, mode, sizes"),
        sa.Column("address", sa.Text, comment="Digest of all that decides the outputs"),
        sa.Column("error_message", sa.Text),
        sa.Column("metadata", _JSON, server_default="{}", nullable=False),
        sa.Column("started_at", _TIME),
        sa.Column("completed_at", _TIME, comment="When it ended, well or not"),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", _TIME),
        sa.CheckConstraint("product_id <> '' AND variant_id <> ''", name=op.f("ck_render_job_garment")),
        sa.CheckConstraint("design_file_url <> ''", name=op.f("ck_render_job_design_file_url")),
        sa.CheckConstraint(_STATUSES, name=op.f("ck_render_job_status")),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name=op.f("ck_render_job_progress")),
        sa.CheckConstraint(
            f"({_ACTIVE}) = (completed_at IS NULL)"
            " AND (status NOT IN ('compositing', 'rendering', 'completed') OR started_at IS NOT NULL)",
            name=op.f("ck_render_job_times"),
        ),
        sa.CheckConstraint("jsonb_typeof(metadata) = 'object'", name=op.f("ck_render_job_metadata")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_render_job")),
    )


def _create_indexes() -> None:
    for name, columns, where in (
        ("created_at", ["created_at", "id"], "deleted_at IS NULL"),
        ("product_id", ["product_id", "created_at", "id"], "deleted_at IS NULL"),
        ("status", ["status", "created_at", "id"], "deleted_at IS NULL"),
        ("product_id_status", ["product_id", "status"], "deleted_at IS NULL"),
        ("sku", ["sku", "created_at", "id"], "deleted_at IS NULL"),
        ("active", ["created_at", "id"], f"deleted_at IS NULL AND {_ACTIVE}"),
        ("failed", ["completed_at"], "deleted_at IS NULL AND status = 'failed'"),
    ):
        op.create_index(f"ix_render_job_{name}", "render_job", columns, postgresql_where=sa.text(where))
    op.create_index("ix_render_job_address", "render_job", ["address", "created_at"])
    op.create_index("ix_render_job_design_key", "render_job", ["design_key"])
    further = sa.text("(options -> 'further_prints')")
    op.create_index("ix_render_job_further_prints", "render_job", [further], postgresql_using="gin")


def _create_render_output() -> None:
    op.create_table(
        "render_output",
        sa.Column("job_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("angle", sa.Text, server_default="", nullable=False, comment="The view, the panel, or empty"),
        sa.Column("object_key", sa.Text),
        sa.Column("url", sa.Text, comment="Of a result that was made elsewhere"),
        sa.Column("mime", sa.Text),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("bytes", sa.BigInteger),
        sa.Column("sha256", sa.Text),
        sa.Column("garment_version", sa.Text),
        sa.Column("renderer_version", sa.Text),
        sa.Column("facts", _JSON, server_default="{}", nullable=False, comment="What is known of the picture"),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(_KINDS, name=op.f("ck_render_output_kind")),
        sa.CheckConstraint(
            "(object_key IS NULL) <> (url IS NULL) AND (object_key IS NULL OR sha256 IS NOT NULL AND bytes IS NOT NULL"
            " AND garment_version IS NOT NULL AND renderer_version IS NOT NULL)",
            name=op.f("ck_render_output_source"),
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["render_job.id"], name=op.f("fk_render_output_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "kind", "angle", name=op.f("pk_render_output")),
    )
    op.create_index("ix_render_output_object_key", "render_output", ["object_key"])
