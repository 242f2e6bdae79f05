"""The tables of canvas projects: the log of operations, the elements that it has led to, and snapshots of them.

Columns, keys, constraints. Keep out: what an operation does (`operations`), or when a snapshot is due.

`canvas_operation` is the truth; `canvas_element` is what its operations, one after another, have made, and every
snapshot is that at one of them. So the log is never rewritten, and both others can be made again.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.canvas.model import ElementType, OperationType
from orchestration.storage.schema import metadata

MOST_PREVIEW_IMAGES = 5

_TIME = sa.DateTime(timezone=True)


def _one_of(column: str, kinds: type[ElementType | OperationType]) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({', '.join(repr(str(kind)) for kind in kinds)})", name=column)


def _number(name: str, default: str = "0") -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=False, server_default=default)


def _project() -> sa.Column[str]:
    return sa.Column("project_id", sa.ForeignKey("canvas_project.project_id"), primary_key=True)


canvas_project = sa.Table(
    "canvas_project",
    metadata,
    sa.Column("project_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.Column("owner_uid", sa.Text, nullable=False),
    sa.Column("collaborators", pg.JSONB, nullable=False, server_default="[]", comment="Records of uid, role, addedAt"),
    sa.Column("settings", pg.JSONB, nullable=False, server_default="{}"),
    sa.Column("next_op_index", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("last_snapshot_op_index", sa.BigInteger, comment="The last operation that is in the newest snapshot"),
    sa.Column("last_snapshot_at", _TIME),
    sa.Column("thumbnail", sa.Text),
    sa.Column("preview_images", pg.JSONB, nullable=False, server_default="[]"),
    sa.Column("created_at", _TIME, nullable=False, server_default=sa.func.now()),
    sa.Column("updated_at", _TIME, nullable=False, server_default=sa.func.now()),
    sa.CheckConstraint("name ~ '[^[:space:]]'", name="name"),
    sa.CheckConstraint("next_op_index >= 0", name="next_op_index"),
    sa.CheckConstraint("jsonb_typeof(collaborators) = 'array'", name="collaborators"),
    sa.CheckConstraint(f"jsonb_array_length(preview_images) <= {MOST_PREVIEW_IMAGES}", name="preview_images"),
    sa.CheckConstraint("last_snapshot_op_index BETWEEN 0 AND next_op_index - 1", name="last_snapshot_op_index"),
    sa.CheckConstraint("(last_snapshot_op_index IS NULL) = (last_snapshot_at IS NULL)", name="last_snapshot"),
    # The few projects that a snapshot run has to look at.
    sa.Index(
        "ix_canvas_project_unsaved",
        "project_id",
        postgresql_where=sa.text("next_op_index > COALESCE(last_snapshot_op_index, '-1'::bigint) + 1"),
    ),
)

canvas_operation = sa.Table(
    "canvas_operation",
    metadata,
    _project(),
    sa.Column("op_index", sa.BigInteger, primary_key=True, autoincrement=False, comment="From 0, without gaps"),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("element_id", sa.Text),
    sa.Column("element_ids", pg.ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("data", pg.JSONB, nullable=False, server_default="{}"),
    sa.Column("inverse", pg.JSONB, comment="The operation that takes this one back; none when it changed nothing"),
    sa.Column("actor_uid", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text, comment="Idempotency key within the project"),
    sa.Column("undoes", sa.BigInteger, comment="The operation that this one takes back"),
    sa.Column("client_ts", _TIME),
    # Not `now()`, which is when the transaction began, before it waited for its turn: times rise with the index.
    sa.Column("created_at", _TIME, nullable=False, server_default=sa.func.clock_timestamp()),
    _one_of("type", OperationType),
    sa.CheckConstraint("op_index >= 0", name="op_index"),
    sa.Index(
        "uq_canvas_operation_request_id",
        "project_id",
        "request_id",
        unique=True,
        postgresql_where=sa.text("request_id IS NOT NULL"),
    ),
    sa.Index(
        "uq_canvas_operation_undoes",
        "project_id",
        "undoes",
        unique=True,
        postgresql_where=sa.text("undoes IS NOT NULL"),
    ),
)

canvas_element = sa.Table(
    "canvas_element",
    metadata,
    _project(),
    sa.Column("element_id", sa.Text, primary_key=True),
    sa.Column("type", sa.Text, nullable=False),
    _number("x"),
    _number("y"),
    _number("width"),
    _number("height"),
    _number("rotation"),
    _number("scale_x", "1"),
    _number("scale_y", "1"),
    _number("opacity", "1"),
    sa.Column("visible", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("locked", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("z_index", sa.Integer, nullable=False, server_default="0"),
    sa.Column("meta", pg.JSONB, nullable=False, server_default="{}", comment="mediaId, url, storagePath, text, ..."),
    sa.Column("created_at", _TIME, nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Column("updated_at", _TIME, nullable=False, server_default=sa.func.clock_timestamp()),
    _one_of("type", ElementType),
    sa.CheckConstraint("width >= 0 AND height >= 0", name="size"),
    sa.CheckConstraint("opacity BETWEEN 0 AND 1", name="opacity"),
    sa.CheckConstraint("jsonb_typeof(meta) = 'object'", name="meta"),
)

canvas_snapshot = sa.Table(
    "canvas_snapshot",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("project_id", sa.ForeignKey("canvas_project.project_id"), nullable=False),
    sa.Column("op_index", sa.BigInteger, nullable=False, comment="The last operation that is in it"),
    sa.Column("version", sa.Integer, nullable=False, comment="Of the form of `elements`"),
    sa.Column("checksum", sa.Text, nullable=False, comment="SHA-256 of `elements`, in hex"),
    sa.Column("element_count", sa.Integer, nullable=False),
    sa.Column("elements", sa.LargeBinary, nullable=False),
    sa.Column(
        "media_refs",
        pg.ARRAY(sa.Text),
        nullable=False,
        server_default="{}",
        comment="Everything in its elements that may be the name of a medium",
    ),
    sa.Column("name", sa.Text, comment="Given by whoever wants it kept"),
    sa.Column("created_by", sa.Text),
    sa.Column("created_at", _TIME, nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Column("corrupt_reason", sa.Text, comment="Why it cannot be used"),
    sa.Column("corrupt_since", _TIME),
    sa.CheckConstraint("op_index >= 0", name="op_index"),
    sa.CheckConstraint("version >= 1", name="version"),
    sa.CheckConstraint("name ~ '[^[:space:]]'", name="name"),
    sa.CheckConstraint("(corrupt_reason IS NULL) = (corrupt_since IS NULL)", name="corrupt"),
    sa.Index("ix_canvas_snapshot_project_id_op_index", "project_id", "op_index"),
    # Two that save a project at the same time make one snapshot of one state.
    sa.Index(
        "uq_canvas_snapshot_state",
        "project_id",
        "op_index",
        unique=True,
        postgresql_where=sa.text("name IS NULL AND corrupt_reason IS NULL"),
    ),
    sa.Index(
        "uq_canvas_snapshot_name",
        "project_id",
        "name",
        unique=True,
        postgresql_where=sa.text("name IS NOT NULL"),
    ),
    sa.Index("ix_canvas_snapshot_corrupt", "project_id", postgresql_where=sa.text("corrupt_reason IS NOT NULL")),
)
