"""Note since when nothing shows a mirrored image, so that a collection can remove it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_REASON, _MEDIUM = "ck_media_tombstone_reason", "ck_media_tombstone_media_id"


def upgrade() -> None:
    """Apply the revision."""
    comment = "When a collection first found that nothing shows it"
    op.add_column("media", sa.Column("unused_since", sa.DateTime(timezone=True), nullable=True, comment=comment))
    op.alter_column("media_tombstone", "media_id", comment="None for an object of no medium")
    _constrain("reason IN ('unreferenced', 'orphan', 'unshown')", "(reason = 'unreferenced') = (media_id IS NOT NULL)")


def downgrade() -> None:
    """Take it back; what was deleted stays on record as what it was called before."""
    op.execute("UPDATE media_tombstone SET reason = 'orphan' WHERE reason = 'unshown'")
    _constrain("reason IN ('unreferenced', 'orphan')", "(reason = 'orphan') = (media_id IS NULL)")
    op.alter_column("media_tombstone", "media_id", comment="None for an object that no row named")
    op.drop_column("media", "unused_since")


def _constrain(reason: str, medium: str) -> None:
    for name, condition in ((_REASON, reason), (_MEDIUM, medium)):
        op.drop_constraint(op.f(name), "media_tombstone", type_="check")
        op.create_check_constraint(op.f(name), "media_tombstone", condition)
