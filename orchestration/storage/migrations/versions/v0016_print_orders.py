"""Print orders: lines that no file has named, and notes of imports for a person's review."""

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
    for name, (old, new) in _PRINT_TASK_COMMENTS.items():
        op.alter_column("print_task", name, comment=new, existing_comment=old)
    note = sa.Column("import_note", sa.Text, comment="Why a person should compare it with an order file")
    op.add_column("print_task", note)
    notes = postgresql.ARRAY(sa.Text)
    op.add_column(
        "print_product",
        sa.Column("notes", notes, server_default="{}", nullable=False, comment="What a person should look at"),
    )


def downgrade() -> None:
    """Name them after their place again."""
    for name, (old, new) in _PRINT_TASK_COMMENTS.items():
        op.alter_column("print_task", name, comment=old, existing_comment=new)
    op.drop_column("print_product", "notes")
    op.drop_column("print_task", "import_note")
    op.alter_column("order_item", "line_key", comment=_COMMENT, existing_comment=_NEW_COMMENT)
    op.execute("UPDATE order_item SET line_key = substr(line_key, 2) WHERE line_key ~ '^~[0-9]+$'")
