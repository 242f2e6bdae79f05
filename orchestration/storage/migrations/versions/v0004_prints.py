"""Create the tables of orders and prints."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    _create_shop_order()
    _create_product()
    _create_order_item()
    _create_print_product()
    _create_print_task()
    _create_print_path()
    _create_print_output()


def downgrade() -> None:
    """Take it back."""
    op.drop_table("print_output")
    op.drop_table("print_path")
    op.drop_table("print_task")
    op.drop_table("print_product")
    op.drop_table("order_item")
    op.drop_table("product")
    op.drop_table("shop_order")


def _create_shop_order() -> None:
    op.create_table(
        "shop_order",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("marketplace", sa.Text(), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=False),
        sa.Column("order_status", sa.Text(), server_default="awaiting_shipment", nullable=False),
        sa.Column("internal_status", sa.Text(), server_default="new", nullable=False),
        sa.Column("shipstation_order_id", sa.BigInteger(), nullable=True),
        sa.Column("customer_name", sa.Text(), nullable=True),
        sa.Column("customer_email", sa.Text(), nullable=True),
        sa.Column("ship_by_date", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "internal_status IN ('new', 'processing', 'printing', 'completed', 'cancelled')",
            name=op.f("ck_shop_order_internal_status"),
        ),
        sa.CheckConstraint(
            "order_status IN ('awaiting_payment', 'awaiting_shipment', 'pending_fulfillment', 'shipped', "
            "'on_hold', 'cancelled', 'rejected_fulfillment')",
            name=op.f("ck_shop_order_order_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_order")),
        sa.UniqueConstraint("marketplace", "order_number", name=op.f("uq_shop_order_marketplace_order_number")),
    )


def _create_product() -> None:
    op.create_table(
        "product",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("sku", name=op.f("uq_product_sku")),
    )


def _create_order_item() -> None:
    op.create_table(
        "order_item",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("line_key", sa.Text(), nullable=False, comment="Names the line within its order"),
        sa.Column("quantity", sa.Integer(), server_default="1", nullable=False),
        sa.Column("unit_price", sa.Numeric(), nullable=True),
        sa.Column("print_settings", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_item_quantity")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["shop_order.id"], name=op.f("fk_order_item_order_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_order_item_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_item")),
        sa.UniqueConstraint("order_id", "line_key", name=op.f("uq_order_item_order_id_line_key")),
    )
    op.create_index(op.f("ix_order_item_product_id"), "order_item", ["product_id"], unique=False)


def _create_print_product() -> None:
    op.create_table(
        "print_product",
        sa.Column("address", sa.Text(), nullable=False, comment="Digest of all that decides the files"),
        sa.Column("geometry", sa.Text(), nullable=False, comment="Content address of the shape, without colours"),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("lines", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "fonts",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Files that drew the text, with their SHA-256",
        ),
        sa.Column("body_color", sa.Text(), nullable=False),
        sa.Column("text_color", sa.Text(), nullable=False),
        sa.Column(
            "outputs",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Kind, suffix, key, sha256, bytes and facts of each file",
        ),
        sa.Column("renders", sa.Integer(), server_default="1", nullable=False, comment="How often it was rendered"),
        sa.Column("milliseconds", sa.Float(), nullable=False),
        sa.Column("rendered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_print_product")),
    )


def _create_print_task() -> None:
    op.create_table(
        "print_task",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_item_id", sa.BigInteger(), nullable=False),
        sa.Column("task_index", sa.Integer(), server_default="0", nullable=False),
        sa.Column("custom_text", sa.Text(), server_default="", nullable=False),
        sa.Column("quantity", sa.Integer(), server_default="1", nullable=False),
        sa.Column("color_1", sa.Text(), nullable=True),
        sa.Column("color_2", sa.Text(), nullable=True),
        sa.Column("ship_by_date", sa.Date(), nullable=True),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False, comment="Printing, not rendering"),
        sa.Column("needs_review", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("review_reason", sa.Text(), nullable=True),
        sa.Column("annotation", sa.Text(), nullable=True, comment="What went wrong at the last attempt"),
        sa.Column("stl_path", sa.Text(), nullable=True, comment="Pretty path of the first STL"),
        sa.Column("stl_render_state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("render_retries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("render_pid", sa.Integer(), nullable=True, comment="Process that renders it now"),
        sa.Column("render_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused_check", sa.Text(), nullable=True),
        sa.Column("refused_problem", sa.Text(), nullable=True),
        sa.Column("refused_remedy", sa.Text(), nullable=True),
        sa.Column("refused_picture", sa.Text(), nullable=True, comment="Object key of a picture of what was refused"),
        sa.Column("product_address", sa.Text(), nullable=True),
        sa.Column(
            "revision", sa.Integer(), server_default="0", nullable=False, comment="Raised when its files become stale"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        *_print_task_checks(),
        sa.ForeignKeyConstraint(
            ["order_item_id"], ["order_item.id"], name=op.f("fk_print_task_order_item_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["product_address"], ["print_product.address"], name=op.f("fk_print_task_product_address")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_print_task")),
        sa.UniqueConstraint("order_item_id", "task_index", name=op.f("uq_print_task_order_item_id_task_index")),
    )
    op.create_index(
        "ix_print_task_pending",
        "print_task",
        ["created_at", "id"],
        unique=False,
        postgresql_where=sa.text("stl_render_state = 'pending'"),
    )
    op.create_index(op.f("ix_print_task_product_address"), "print_task", ["product_address"], unique=False)
    op.create_index("ix_print_task_status", "print_task", ["status", "updated_at"], unique=False)
    op.create_index("ix_print_task_stl_render_state", "print_task", ["stl_render_state", "updated_at"], unique=False)


def _print_task_checks() -> tuple[sa.CheckConstraint, ...]:
    return (
        sa.CheckConstraint(
            "(stl_render_state = 'running') = (render_pid IS NOT NULL) AND (stl_render_state = 'running') = "
            "(render_started_at IS NOT NULL)",
            name=op.f("ck_print_task_running"),
        ),
        sa.CheckConstraint(
            "refused_check IN ('text', 'characters_drawn', 'strokes_printable', 'one_piece', 'no_slivers', "
            "'fits_the_bed', 'watertight')",
            name=op.f("ck_print_task_refused_check"),
        ),
        sa.CheckConstraint(
            "refused_check IS NULL OR stl_render_state = 'failed' AND refused_problem IS NOT NULL AND "
            "refused_remedy IS NOT NULL",
            name=op.f("ck_print_task_refused"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'in_progress', 'completed', 'cancelled')", name=op.f("ck_print_task_status")
        ),
        sa.CheckConstraint(
            "stl_render_state <> 'completed' OR product_address IS NOT NULL AND stl_path IS NOT NULL AND "
            "annotation IS NULL AND render_retries = 0",
            name=op.f("ck_print_task_completed"),
        ),
        sa.CheckConstraint(
            "stl_render_state IN ('pending', 'running', 'completed', 'failed')",
            name=op.f("ck_print_task_stl_render_state"),
        ),
        sa.CheckConstraint(
            "quantity > 0 AND task_index >= 0 AND render_retries >= 0", name=op.f("ck_print_task_counts")
        ),
    )


def _create_print_path() -> None:
    op.create_table(
        "print_path",
        sa.Column("folded", sa.Text(), nullable=False, comment="The path in lower case"),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.CheckConstraint("folded = lower(path)", name=op.f("ck_print_path_folded")),
        sa.PrimaryKeyConstraint("folded", name=op.f("pk_print_path")),
    )


def _create_print_output() -> None:
    op.create_table(
        "print_output",
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("suffix", sa.Text(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("pretty_path", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("url_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["task_id"], ["print_task.id"], name=op.f("fk_print_output_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", "kind", "suffix", name=op.f("pk_print_output")),
    )
