"""What operators did, bulk actions with a result for each item, errors that were resolved, and what searches go by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None
# The version before works on this schema too.
expands = True

_TIME = sa.DateTime(timezone=True)
_NOW = sa.text("now()")
# Errors of one cause are one text but for names, addresses and numbers.
_NAMES = r"""'''[^'']*''|"[^"]*"|https?://\S+'::text"""
_FINGERPRINT = (
    f'"left"(md5(regexp_replace(regexp_replace(error, {_NAMES}, '
    "'*'::text, 'g'::text),"
    " '[0-9A-Fa-f]{8,}|[0-9]+'::text, '#'::text, 'g'::text)), 16)"
)


def upgrade() -> None:
    """Create four tables, give tasks the fingerprint of their error, and add indexes."""
    _create_actions()
    _create_bulk_actions()
    op.create_table(
        "error_mark",
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("resolved_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("resolved_by", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("queue", "fingerprint", name=op.f("pk_error_mark")),
        comment="Errors that somebody calls resolved; one that comes again after that has regressed",
    )
    op.add_column(
        "task",
        sa.Column(
            "fingerprint",
            sa.Text,
            sa.Computed(_FINGERPRINT, persisted=True),
            comment="Equal for errors that differ in names and numbers alone",
        ),
    )
    _create_indexes()


def _create_actions() -> None:
    op.create_table(
        "admin_action",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False, comment="What it was done to, as `kind:key`"),
        sa.Column("arguments", pg.JSONB, nullable=False, server_default="{}"),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("http_request_id", sa.Text),
        sa.CheckConstraint("outcome IN ('done', 'refused')", name=op.f("ck_admin_action_outcome")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_action")),
        comment="Who did what on the admin pages",
    )
    op.create_index("ix_admin_action_target", "admin_action", ["target", "id"])
    op.create_index("ix_admin_action_caller", "admin_action", ["caller", "id"])


def _create_bulk_actions() -> None:
    op.create_table(
        "bulk_action",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, comment="Of the error that it is about"),
        sa.Column("why", sa.Text, nullable=False, server_default=""),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("asked_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="running"),
        sa.Column("finished_at", _TIME),
        sa.Column("stopped_by", sa.Text),
        sa.Column("total", sa.Integer, nullable=False),
        sa.CheckConstraint("state IN ('running', 'stopped', 'completed')", name=op.f("ck_bulk_action_state")),
        sa.CheckConstraint("(state = 'running') = (finished_at IS NULL)", name=op.f("ck_bulk_action_finished")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_action")),
        comment="Dead letters that are replayed as a set, which is frozen when it is asked for",
    )
    op.create_table(
        "bulk_item",
        sa.Column("bulk_id", sa.BigInteger, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, comment="Null until it is done"),
        sa.Column("message", sa.Text),
        sa.Column("at", _TIME),
        sa.CheckConstraint("outcome IN ('replayed', 'gone', 'failed')", name=op.f("ck_bulk_item_outcome")),
        sa.ForeignKeyConstraint(["bulk_id"], ["bulk_action.id"], name=op.f("fk_bulk_item_bulk_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("bulk_id", "position", name=op.f("pk_bulk_item")),
    )
    op.create_index(
        "ix_bulk_item_open", "bulk_item", ["bulk_id", "position"], postgresql_where=sa.text("outcome IS NULL")
    )


def _create_indexes() -> None:
    dead = sa.text("state = 'dead'")
    op.create_index("ix_task_dead_error", "task", ["queue", "fingerprint", "finished_at"], postgresql_where=dead)
    op.create_index(
        "ix_task_dead_words",
        "task",
        [sa.text("to_tsvector('simple'::regconfig, error)")],
        postgresql_using="gin",
        postgresql_where=dead,
    )
    op.create_index(
        "ix_print_task_words",
        "print_task",
        [sa.text("to_tsvector('simple'::regconfig, custom_text)")],
        postgresql_using="gin",
    )
    op.create_index("ix_print_task_newest", "print_task", ["created_at", "id"])
    op.create_index("ix_shop_order_order_number", "shop_order", ["order_number"])
    op.create_index(
        "ix_product_family_words",
        "product_family",
        [sa.text("to_tsvector('simple'::regconfig, name)")],
        postgresql_using="gin",
    )
    op.create_index("ix_product_family_beginning", "product_family", [sa.text("a_number text_pattern_ops")])
    op.create_index("ix_product_family_supplier_a_number", "product_family", ["supplier", "a_number"])
    op.create_index("ix_product_family_category_a_number", "product_family", ["category", "a_number"])
    op.create_index(
        "ix_product_family_inactive", "product_family", ["a_number"], postgresql_where=sa.text("NOT is_active")
    )
    op.create_index("ix_preview_job_request_id", "preview_job", ["request_id"])
    op.create_index("ix_work_request_request_id", "work_request", ["request_id"])


def downgrade() -> None:
    """Drop them."""
    for name, table in (
        ("ix_work_request_request_id", "work_request"),
        ("ix_preview_job_request_id", "preview_job"),
        ("ix_product_family_inactive", "product_family"),
        ("ix_product_family_category_a_number", "product_family"),
        ("ix_product_family_supplier_a_number", "product_family"),
        ("ix_product_family_beginning", "product_family"),
        ("ix_product_family_words", "product_family"),
        ("ix_shop_order_order_number", "shop_order"),
        ("ix_print_task_words", "print_task"),
        ("ix_print_task_newest", "print_task"),
        ("ix_task_dead_words", "task"),
        ("ix_task_dead_error", "task"),
    ):
        op.drop_index(name, table)
    op.drop_column("task", "fingerprint")
    for table in ("error_mark", "bulk_item", "bulk_action", "admin_action"):
        op.drop_table(table)
