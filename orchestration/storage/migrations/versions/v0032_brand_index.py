"""Find the families of a brand by an index, as those of a supplier and of a category."""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None
# The version before works on this schema too.
expands = True

_NAME = "ix_product_family_brand_a_number"


def upgrade() -> None:
    """Apply the revision."""
    op.create_index(_NAME, "product_family", ["brand", "a_number"])


def downgrade() -> None:
    """Take it back."""
    op.drop_index(_NAME, table_name="product_family")
