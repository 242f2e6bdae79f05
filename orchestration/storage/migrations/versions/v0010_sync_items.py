"""Let a sync tell at which step it is, wait for its images, and be stopped."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_EARLIER_STATUSES = "'running', 'completed', 'failed'"
_STATUSES = f"{_EARLIER_STATUSES}, 'stopped'"
_STEPS = "'parsing_import', 'hash_check', 'importing_families', 'mirroring_images', 'complete'"


def upgrade() -> None:
    """Apply the revision."""
    step = sa.Column("step", sa.Text(), server_default="importing_families", nullable=False)
    op.add_column("sync", step)
    op.execute("UPDATE sync SET step = 'complete' WHERE status = 'completed'")
    for name, comment in _COUNTS.items():
        count = sa.Column(name, sa.Integer(), server_default="0", nullable=False, comment=comment)
        op.add_column("sync", count)
    op.drop_constraint(op.f("ck_sync_status"), "sync", type_="check")
    op.create_check_constraint(
        op.f("ck_sync_status"), "sync", "status IN ('running', 'completed', 'failed', 'stopped')"
    )
    op.create_check_constraint(op.f("ck_sync_step"), "sync", f"step IN ({_STEPS})")
    _create_sync_item()
    op.execute(_ITEMS_OF_RUNNING)
    op.execute(_PLANNED_AGAIN)


def downgrade() -> None:
    """Take it back; a stopped sync was a failed one before."""
    op.drop_table("sync_item")
    op.drop_constraint(op.f("ck_sync_step"), "sync", type_="check")
    op.drop_constraint(op.f("ck_sync_status"), "sync", type_="check")
    op.execute("UPDATE sync SET status = 'failed' WHERE status = 'stopped'")
    op.create_check_constraint(op.f("ck_sync_status"), "sync", f"status IN ({_EARLIER_STATUSES})")
    for name in ("step", *_COUNTS):
        op.drop_column("sync", name)


_COUNTS = {
    "variants": "Of the imported families",
    "images": "To be mirrored",
    "images_settled": "Images that are mirrored or dead",
    "images_failed": "Images that are dead",
}


# The families that a running sync still waits for are those of its unfinished tasks.
_ITEMS_OF_RUNNING = """
    INSERT INTO sync_item (sync_id, kind, key)
    SELECT s.id, 'family', t.key FROM task AS t JOIN sync AS s ON s.id = CAST(t.payload ->> 'sync' AS bigint)
    WHERE t.queue = 'product-family' AND t.state IN ('waiting', 'active') AND s.status = 'running'
    ON CONFLICT DO NOTHING
"""
_PLANNED_AGAIN = """
    UPDATE sync SET planned = settled + (SELECT count(*) FROM sync_item AS i WHERE i.sync_id = sync.id)
    WHERE status = 'running'
"""


def _create_sync_item() -> None:
    op.create_table(
        "sync_item",
        sa.Column("sync_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="The family's a_number or the image's source URL"),
        sa.Column("is_failed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("kind IN ('family', 'image')", name=op.f("ck_sync_item_kind")),
        sa.ForeignKeyConstraint(["sync_id"], ["sync.id"], name=op.f("fk_sync_item_sync_id")),
        sa.PrimaryKeyConstraint("sync_id", "kind", "key", name=op.f("pk_sync_item")),
        comment="What a sync waits for, and what failed in it",
    )
    op.create_index("ix_sync_item_kind_key", "sync_item", ["kind", "key"], unique=False)
