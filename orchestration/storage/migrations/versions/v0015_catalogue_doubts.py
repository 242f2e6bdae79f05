"""Keep what the catalogue doubts: refused lines, variants held back, and fields left out of documents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TAIL_GONE_IN = "SHA-256 of the Import.txt that first lacked the last lines of the one before"
_IS_TRANSFER = "Whether the transfer may be at fault, so that each sync asks again"
_EARLIER_KINDS = "'new', 'gone', 'type'"


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "feed_problem",
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("line_number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("supplier", sa.Text(), comment="None for a line that shows none"),
        sa.Column("is_refused", sa.Boolean(), nullable=False, comment="False for a line that was taken all the same"),
        sa.PrimaryKeyConstraint("file", "position", name=op.f("pk_feed_problem")),
        comment="Lines of the feed's files with something wrong, as they were last read",
    )
    op.add_column(
        "product_family",
        sa.Column(
            "variants_held_back",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="Variants that the document no longer lists, and that the guard keeps",
        ),
    )
    op.add_column("drift", sa.Column("reason", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "supplier",
        sa.Column(
            "last_listed", postgresql.ARRAY(sa.Text()), comment="The families of its last plan, in the feed's order"
        ),
    )
    op.add_column("supplier", sa.Column("tail_gone_in", sa.Text(), comment=_TAIL_GONE_IN))
    op.add_column(
        "quarantine",
        sa.Column("is_transfer", sa.Boolean(), server_default=sa.false(), nullable=False, comment=_IS_TRANSFER),
    )
    op.execute("DELETE FROM quarantine WHERE code = 'download'")  # failed downloads are asked for again from now on
    op.drop_constraint(op.f("ck_drift_kind"), "drift", type_="check")
    op.create_check_constraint(op.f("ck_drift_kind"), "drift", f"kind IN ({_EARLIER_KINDS}, 'oddity')")


def downgrade() -> None:
    """Take it back; oddities are forgotten."""
    op.execute("DELETE FROM drift WHERE kind = 'oddity'")
    op.drop_constraint(op.f("ck_drift_kind"), "drift", type_="check")
    op.create_check_constraint(op.f("ck_drift_kind"), "drift", f"kind IN ({_EARLIER_KINDS})")
    op.drop_column("quarantine", "is_transfer")
    op.drop_column("supplier", "tail_gone_in")
    op.drop_column("supplier", "last_listed")
    op.drop_column("drift", "reason")
    op.drop_column("product_family", "variants_held_back")
    op.drop_table("feed_problem")
