"""Create the table of which public generation shows which image, and find variants by their objects."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    _create_generation_picture()
    op.create_index("ix_media_variant_key", "media_variant", ["key"], unique=False)


def downgrade() -> None:
    """Take it back."""
    op.drop_index("ix_media_variant_key", table_name="media_variant")
    op.drop_table("generation_picture")


def _create_generation_picture() -> None:
    op.create_table(
        "generation_picture",
        sa.Column("history_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False, comment="Of the original"),
        sa.ForeignKeyConstraint(
            ["history_id"],
            ["public_generation.history_id"],
            name=op.f("fk_generation_picture_history_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("history_id", "url", name=op.f("pk_generation_picture")),
        comment="Images of the gallery's allowed hosts",
    )
    op.create_index("ix_generation_picture_url", "generation_picture", ["url"], unique=False)
