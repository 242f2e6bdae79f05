"""Create the tables of the canvas."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    _create_project()
    _create_operation()
    _create_element()
    _create_snapshot()


def downgrade() -> None:
    """Take it back."""
    op.drop_table("canvas_snapshot")
    op.drop_table("canvas_element")
    op.drop_table("canvas_operation")
    op.drop_table("canvas_project")


def _create_project() -> None:
    op.create_table(
        "canvas_project",
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("owner_uid", sa.Text(), nullable=False),
        sa.Column(
            "collaborators",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
            comment="Records of uid, role, addedAt",
        ),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("next_op_index", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "last_snapshot_op_index",
            sa.BigInteger(),
            nullable=True,
            comment="The last operation that is in the newest snapshot",
        ),
        sa.Column("last_snapshot_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("thumbnail", sa.Text(), nullable=True),
        sa.Column("preview_images", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("jsonb_typeof(collaborators) = 'array'", name=op.f("ck_canvas_project_collaborators")),
        sa.CheckConstraint("name ~ '[^[:space:]]'", name=op.f("ck_canvas_project_name")),
        sa.CheckConstraint("next_op_index >= 0", name=op.f("ck_canvas_project_next_op_index")),
        sa.CheckConstraint(
            "(last_snapshot_op_index IS NULL) = (last_snapshot_at IS NULL)",
            name=op.f("ck_canvas_project_last_snapshot"),
        ),
        sa.CheckConstraint("jsonb_array_length(preview_images) <= 5", name=op.f("ck_canvas_project_preview_images")),
        sa.CheckConstraint(
            "last_snapshot_op_index BETWEEN 0 AND next_op_index - 1",
            name=op.f("ck_canvas_project_last_snapshot_op_index"),
        ),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_canvas_project")),
    )
    op.create_index(
        "ix_canvas_project_unsaved",
        "canvas_project",
        ["project_id"],
        unique=False,
        postgresql_where=sa.text("next_op_index > COALESCE(last_snapshot_op_index, '-1'::bigint) + 1"),
    )


def _create_operation() -> None:
    op.create_table(
        "canvas_operation",
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("op_index", sa.BigInteger(), autoincrement=False, nullable=False, comment="From 0, without gaps"),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("element_id", sa.Text(), nullable=True),
        sa.Column("element_ids", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column(
            "inverse",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="The operation that takes this one back; none when it changed nothing",
        ),
        sa.Column("actor_uid", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True, comment="Idempotency key within the project"),
        sa.Column("client_ts", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(
            "type IN ('create', 'update', 'delete', 'move', 'resize', 'select', 'deselect', 'connect', 'disconnect', "
            "'group', 'ungroup', 'layer', 'style')",
            name=op.f("ck_canvas_operation_type"),
        ),
        sa.CheckConstraint("op_index >= 0", name=op.f("ck_canvas_operation_op_index")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["canvas_project.project_id"], name=op.f("fk_canvas_operation_project_id")
        ),
        sa.PrimaryKeyConstraint("project_id", "op_index", name=op.f("pk_canvas_operation")),
    )
    op.create_index(
        "uq_canvas_operation_request_id",
        "canvas_operation",
        ["project_id", "request_id"],
        unique=True,
        postgresql_where=sa.text("request_id IS NOT NULL"),
    )


def _create_element() -> None:
    op.create_table(
        "canvas_element",
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("element_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("x", sa.Double(), server_default="0", nullable=False),
        sa.Column("y", sa.Double(), server_default="0", nullable=False),
        sa.Column("width", sa.Double(), server_default="0", nullable=False),
        sa.Column("height", sa.Double(), server_default="0", nullable=False),
        sa.Column("rotation", sa.Double(), server_default="0", nullable=False),
        sa.Column("scale_x", sa.Double(), server_default="1", nullable=False),
        sa.Column("scale_y", sa.Double(), server_default="1", nullable=False),
        sa.Column("opacity", sa.Double(), server_default="1", nullable=False),
        sa.Column("visible", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("locked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("z_index", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "meta",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
            comment="mediaId, url, storagePath, text, ...",
        ),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("jsonb_typeof(meta) = 'object'", name=op.f("ck_canvas_element_meta")),
        sa.CheckConstraint(
            "type IN ('image', 'video', 'text', 'shape', 'group', 'connector', '3d', 'image-generator', "
            "'video-generator', 'music-generator', 'text-generator', 'upscale-plugin')",
            name=op.f("ck_canvas_element_type"),
        ),
        sa.CheckConstraint("opacity BETWEEN 0 AND 1", name=op.f("ck_canvas_element_opacity")),
        sa.CheckConstraint("width >= 0 AND height >= 0", name=op.f("ck_canvas_element_size")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["canvas_project.project_id"], name=op.f("fk_canvas_element_project_id")
        ),
        sa.PrimaryKeyConstraint("project_id", "element_id", name=op.f("pk_canvas_element")),
    )


def _create_snapshot() -> None:
    op.create_table(
        "canvas_snapshot",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("op_index", sa.BigInteger(), nullable=False, comment="The last operation that is in it"),
        sa.Column("version", sa.Integer(), nullable=False, comment="Of the form of `elements`"),
        sa.Column("checksum", sa.Text(), nullable=False, comment="SHA-256 of `elements`, in hex"),
        sa.Column("element_count", sa.Integer(), nullable=False),
        sa.Column("elements", sa.LargeBinary(), nullable=False),
        sa.Column(
            "media_refs",
            postgresql.ARRAY(sa.Text()),
            server_default="{}",
            nullable=False,
            comment="Every mediaId, url and storagePath of its elements, and what else may be one",
        ),
        sa.Column("name", sa.Text(), nullable=True, comment="Given by whoever wants it kept"),
        sa.Column("created_by", sa.Text(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("corrupt_reason", sa.Text(), nullable=True, comment="Why it cannot be used"),
        sa.Column("corrupt_since", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("name ~ '[^[:space:]]'", name=op.f("ck_canvas_snapshot_name")),
        sa.CheckConstraint(
            "(corrupt_reason IS NULL) = (corrupt_since IS NULL)", name=op.f("ck_canvas_snapshot_corrupt")
        ),
        sa.CheckConstraint("op_index >= 0", name=op.f("ck_canvas_snapshot_op_index")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_canvas_snapshot_version")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["canvas_project.project_id"], name=op.f("fk_canvas_snapshot_project_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canvas_snapshot")),
    )
    op.create_index(
        "ix_canvas_snapshot_corrupt",
        "canvas_snapshot",
        ["project_id"],
        unique=False,
        postgresql_where=sa.text("corrupt_reason IS NOT NULL"),
    )
    op.create_index(
        "ix_canvas_snapshot_project_id_op_index", "canvas_snapshot", ["project_id", "op_index"], unique=False
    )
    op.create_index(
        "uq_canvas_snapshot_name",
        "canvas_snapshot",
        ["project_id", "name"],
        unique=True,
        postgresql_where=sa.text("name IS NOT NULL"),
    )
    op.create_index(
        "uq_canvas_snapshot_state",
        "canvas_snapshot",
        ["project_id", "op_index"],
        unique=True,
        postgresql_where=sa.text("name IS NULL AND corrupt_reason IS NULL"),
    )
