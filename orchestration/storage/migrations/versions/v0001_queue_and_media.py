"""Create the queue and media tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_worker_number = sa.Sequence("task_worker_number", data_type=sa.Integer, cycle=True)


def upgrade() -> None:
    """Apply the revision."""
    op.execute(sa.schema.CreateSequence(_worker_number))
    _create_media()
    _create_task()
    _create_media_source()
    _create_media_variant()


def downgrade() -> None:
    """Take it back."""
    op.drop_table("media_variant")
    op.drop_table("media_source")
    op.drop_table("task")
    op.drop_table("media")
    op.execute(sa.schema.DropSequence(_worker_number))


def _create_media() -> None:
    op.create_table(
        "media",
        sa.Column("content_hash", sa.Text(), nullable=False, comment="SHA-256 of the stored original, in hex"),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("mime", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column(
            "blur", sa.Text(), nullable=True, comment="A 20-pixel placeholder as a data URL, once the variants are made"
        ),
        sa.Column("stored_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("content_hash", name=op.f("pk_media")),
        sa.UniqueConstraint("key", name=op.f("uq_media_key")),
    )


def _create_task() -> None:
    op.create_table(
        "task",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="Idempotency key within the queue"),
        sa.Column(
            "grouping",
            sa.Text(),
            nullable=True,
            comment="What counts and cancellation go by, such as a supplier's code",
        ),
        sa.Column("order_key", sa.Text(), nullable=True, comment="Tasks of one order key run one at a time, by id"),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("priority", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "sort_at",
            sa.DateTime(),
            sa.Computed("(run_at AT TIME ZONE 'UTC') + priority * interval '600 seconds'", persisted=True),
            nullable=False,
        ),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column(
            "attempt", sa.Integer(), server_default="0", nullable=False, comment="Claims that count for the policy"
        ),
        sa.Column(
            "token", sa.Integer(), server_default="0", nullable=False, comment="All claims ever: the fencing token"
        ),
        sa.Column(
            "crashes", sa.Integer(), server_default="0", nullable=False, comment="Workers lost; above 0 it runs alone"
        ),
        sa.Column(
            "rerun",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Enqueued again while active",
        ),
        sa.Column("worker", sa.Integer(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("enqueued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why it is dead"),
        sa.Column("error", sa.Text(), nullable=True, comment="The last error"),
        sa.CheckConstraint(
            "(state = 'active') = (worker IS NOT NULL) AND (state = 'active') = (lease_until IS NOT NULL)",
            name=op.f("ck_task_owner"),
        ),
        sa.CheckConstraint("(state = 'dead') = (reason IS NOT NULL)", name=op.f("ck_task_reason")),
        sa.CheckConstraint(
            "(state IN ('completed', 'dead')) = (finished_at IS NOT NULL)", name=op.f("ck_task_finished")
        ),
        sa.CheckConstraint("NOT rerun OR state = 'active'", name=op.f("ck_task_rerun")),
        sa.CheckConstraint("state IN ('waiting', 'active', 'completed', 'dead')", name=op.f("ck_task_state")),
        sa.CheckConstraint("priority BETWEEN 0 AND 2", name=op.f("ck_task_priority")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    _create_task_indexes()


def _create_task_indexes() -> None:
    op.create_index(
        "ix_task_claim", "task", ["queue", "sort_at", "id"], unique=False, postgresql_where=sa.text("state = 'waiting'")
    )
    op.create_index(
        "ix_task_finished",
        "task",
        ["queue", "state", "finished_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('completed', 'dead')"),
    )
    op.create_index(
        "ix_task_held", "task", ["queue", "worker"], unique=False, postgresql_where=sa.text("state = 'active'")
    )
    op.create_index(
        "ix_task_order",
        "task",
        ["queue", "order_key", "id"],
        unique=False,
        postgresql_where=sa.text("order_key IS NOT NULL AND state IN ('waiting', 'active')"),
    )
    op.create_index(
        "uq_task_order_active",
        "task",
        ["queue", "order_key"],
        unique=True,
        postgresql_where=sa.text("order_key IS NOT NULL AND state = 'active'"),
    )
    op.create_index(
        "uq_task_unfinished_key",
        "task",
        ["queue", "key"],
        unique=True,
        postgresql_where=sa.text("state <> 'completed'"),
    )


def _create_media_source() -> None:
    op.create_table(
        "media_source",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["content_hash"], ["media.content_hash"], name=op.f("fk_media_source_content_hash")),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_media_source")),
    )
    op.create_index(op.f("ix_media_source_content_hash"), "media_source", ["content_hash"], unique=False)


def _create_media_variant() -> None:
    op.create_table(
        "media_variant",
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("mime", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["content_hash"], ["media.content_hash"], name=op.f("fk_media_variant_content_hash")),
        sa.PrimaryKeyConstraint("content_hash", "name", name=op.f("pk_media_variant")),
    )
