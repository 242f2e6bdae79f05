"""Vacuum the tables that change all the time by what changed, not by a fifth of what they hold.

A task is written several times in its life and kept for weeks. By PostgreSQL's defaults a table of a million kept
tasks is vacuumed after 200,000 changes, and claims meanwhile walk over the dead versions in its index.
"""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0020"
branch_labels = None
depends_on = None
# The version before works on this schema too.
expands = True

_SETTINGS = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "5000",
    "autovacuum_vacuum_insert_scale_factor": "0.05",
    "autovacuum_analyze_scale_factor": "0.02",
    # Room in each page for the next version of its rows.
    "fillfactor": "80",
}
_TABLES = ("task", "task_worker", "work_request", "sync_item")


def upgrade() -> None:
    """Apply the revision."""
    values = ", ".join(f"{name} = {value}" for name, value in _SETTINGS.items())
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} SET ({values})")


def downgrade() -> None:
    """Take it back."""
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} RESET ({', '.join(_SETTINGS)})")
