"""Note since when nothing shows a mirrored image, for a collection to remove it; say whose process a print's is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None
expands = True

_REASON, _MEDIUM = "ck_media_tombstone_reason", "ck_media_tombstone_media_id"


def upgrade() -> None:
    """Apply the revision."""
    comment = "When a collection first found that nothing shows it"
    op.add_column("media", sa.Column("unused_since", sa.DateTime(timezone=True), nullable=True, comment=comment))
    op.alter_column("media_tombstone", "media_id", comment="None for an object of no medium")
    op.alter_column("print_task", "render_pid", comment="Process that renders it; until one has begun, the drain's")
    op.alter_column("print_task", "render_started_at", comment="Since when")
    _constrain("reason IN ('unreferenced', 'orphan', 'unshown')", "(reason = 'unreferenced') = (media_id IS NOT NULL)")


def downgrade() -> None:
    """Take it back; what was deleted stays on record as what it was called before."""
    op.execute("UPDATE media_tombstone SET reason = 'orphan' WHERE reason = 'unshown'")
    _constrain("reason IN ('unreferenced', 'orphan')", "(reason = 'orphan') = (media_id IS NULL)")
    op.alter_column("media_tombstone", "media_id", comment="None for an object that no row named")
    op.drop_column("media", "unused_since")
    op.alter_column("print_task", "render_pid", comment="Drain that has taken it; its end frees the task")
    op.alter_column("print_task", "render_started_at", comment="When that drain took it")


def _constrain(reason: str, medium: str) -> None:
    for name, condition in ((_REASON, reason), (_MEDIUM, medium)):
        op.drop_constraint(op.f(name), "media_tombstone", type_="check")
        op.create_check_constraint(op.f(name), "media_tombstone", condition)
