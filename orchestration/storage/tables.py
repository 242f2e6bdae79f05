"""The tables of this database's own mechanisms: what steps state machines may take, and how many rows are where.

Their columns. Keep out: the triggers that read and write them, and attaching these (`transitions`, `row_counts`).
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

row_count = sa.Table(
    "row_count",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("counted", sa.Text, nullable=False, comment="A table, or something that happens to its rows"),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False, comment="A difference: below zero for rows that went"),
    sa.Column("amount", sa.Float, nullable=False, server_default="0", comment="Bytes or seconds, where there are any"),
    sa.Column("is_folded", sa.Boolean, nullable=False, server_default=sa.false()),
    comment="Rows are only added, by triggers, and later folded: no two writers want the same row",
)
sa.Index("ix_row_count_new", row_count.c.id, postgresql_where=sa.text("NOT is_folded"))
