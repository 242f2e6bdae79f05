"""The table of what steps the state machines of this database may take.

Its columns. Keep out: the trigger that reads it (revision 0009), and attaching it (`transitions`).
"""

from __future__ import annotations

import sqlalchemy as sa

from orchestration.storage.schema import metadata

state_transition = sa.Table(
    "state_transition",
    metadata,
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("column_name", sa.Text, primary_key=True),
    sa.Column("old_state", sa.Text, primary_key=True, comment="Empty for a new row"),
    sa.Column("new_state", sa.Text, primary_key=True),
    comment="Every step that a state machine may take; a trigger refuses the others",
)
