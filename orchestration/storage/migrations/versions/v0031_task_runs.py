"""Let a task say which Dagster run claimed it last, also when its worker has ended.

A worker's row goes with the worker, so the run that did a task was known only while it did it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None
# The version before works on this schema too.
expands = True


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("task", sa.Column("run_id", sa.Text, comment="The Dagster run of the worker that claimed it last"))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("task", "run_id")
