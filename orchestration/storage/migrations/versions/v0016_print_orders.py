"""Print orders: unnamed lines, notes for review, lasting links, plates; addresses that ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_COMMENT = "Names the line within its order"
_NEW_COMMENT = "Names the line within its order; ~1 where no file does"

_PRINT_TASK_COMMENTS = {
    "render_pid": ("Process that renders it now", "Drain that has taken it; its end frees the task"),
    "render_started_at": (None, "When that drain took it"),
}


def upgrade() -> None:
    """Mark the lines that were named after their place in a file, so that no number in a file means them."""
    op.execute("UPDATE order_item SET line_key = '~' || line_key WHERE line_key ~ '^[0-9]+$'")
    op.alter_column("order_item", "line_key", comment=_NEW_COMMENT, existing_comment=_COMMENT)
    token = sa.text("replace((gen_random_uuid())::text, '-'::text, ''::text)")
    comment = "Random: names the order in links"
    op.add_column("shop_order", sa.Column("link_token", sa.Text, server_default=token, nullable=False, comment=comment))
    op.create_unique_constraint("uq_shop_order_link_token", "shop_order", ["link_token"])
    op.create_table(
        "notification_address",
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_notification_address")),
    )
    for name, (old, new) in _PRINT_TASK_COMMENTS.items():
        op.alter_column("print_task", name, comment=new, existing_comment=old)
    _create_plates()
    note = sa.Column("import_note", sa.Text, comment="Why a person should compare it with an order file")
    op.add_column("print_task", note)
    notes = postgresql.ARRAY(sa.Text)
    op.add_column(
        "print_product",
        sa.Column("notes", notes, server_default="{}", nullable=False, comment="What a person should look at"),
    )


def _create_plates() -> None:
    op.create_table(
        "print_plate",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("body_color", sa.Text, nullable=False),
        sa.Column("text_color", sa.Text, nullable=False),
        sa.Column("object_key", sa.Text, nullable=False, comment="The 3MF of the whole plate"),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("picture_key", sa.Text, nullable=False),
        sa.Column("grams", sa.Float, nullable=False),
        sa.Column("minutes", sa.Float, nullable=False),
        sa.Column("density", sa.Float, nullable=False, comment="Share of the bed that is taken"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_print_plate")),
    )
    op.create_table(
        "print_plate_task",
        sa.Column("task_id", sa.BigInteger, nullable=False),
        sa.Column("plate_id", sa.BigInteger, nullable=False),
        sa.Column("pieces", sa.Integer, nullable=False),
        sa.Column("product_address", sa.Text, nullable=False, comment="What was put on the plate"),
        sa.CheckConstraint("pieces > 0", name=op.f("ck_print_plate_task_pieces")),
        sa.ForeignKeyConstraint(
            ["task_id"], ["print_task.id"], name=op.f("fk_print_plate_task_task_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["plate_id"], ["print_plate.id"], name=op.f("fk_print_plate_task_plate_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_print_plate_task")),
    )
    op.create_index(op.f("ix_print_plate_task_plate_id"), "print_plate_task", ["plate_id"])


def downgrade() -> None:
    """Name them after their place again."""
    for name, (old, new) in _PRINT_TASK_COMMENTS.items():
        op.alter_column("print_task", name, comment=old, existing_comment=new)
    op.drop_table("print_plate_task")
    op.drop_table("print_plate")
    op.drop_table("notification_address")
    op.drop_constraint("uq_shop_order_link_token", "shop_order")
    op.drop_column("shop_order", "link_token")
    op.drop_column("print_product", "notes")
    op.drop_column("print_task", "import_note")
    op.alter_column("order_item", "line_key", comment=_COMMENT, existing_comment=_NEW_COMMENT)
    op.execute("UPDATE order_item SET line_key = substr(line_key, 2) WHERE line_key ~ '^~[0-9]+$'")
