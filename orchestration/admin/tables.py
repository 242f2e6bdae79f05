"""The tables of the admin pages: what operators did, bulk actions, and errors that are called resolved.

Keep out: statements, and the indexes on other packages' tables, which stand with those.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.storage.schema import metadata

_TIME = sa.DateTime(timezone=True)

admin_action = sa.Table(
    "admin_action",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("at", _TIME, nullable=False, server_default=sa.func.now()),
    sa.Column("caller", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False, comment="What it was done to, as `kind:key`"),
    sa.Column("arguments", pg.JSONB, nullable=False, server_default="{}"),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("http_request_id", sa.Text),
    sa.CheckConstraint("outcome IN ('done', 'refused')", name="outcome"),
    sa.Index("ix_admin_action_target", "target", "id"),
    sa.Index("ix_admin_action_caller", "caller", "id"),
    comment="Who did what on the admin pages",
)

bulk_action = sa.Table(
    "bulk_action",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("queue", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, comment="Of the error that it is about"),
    sa.Column("why", sa.Text, nullable=False, server_default=""),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("asked_at", _TIME, nullable=False, server_default=sa.func.now()),
    sa.Column("state", sa.Text, nullable=False, server_default="running"),
    sa.Column("finished_at", _TIME),
    sa.Column("stopped_by", sa.Text),
    sa.Column("total", sa.Integer, nullable=False),
    sa.CheckConstraint("state IN ('running', 'stopped', 'completed')", name="state"),
    sa.CheckConstraint("(state = 'running') = (finished_at IS NULL)", name="finished"),
    comment="Dead letters that are replayed as a set, which is frozen when it is asked for",
)

bulk_item = sa.Table(
    "bulk_item",
    metadata,
    sa.Column("bulk_id", sa.ForeignKey("bulk_action.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, comment="Null until it is done"),
    sa.Column("message", sa.Text),
    sa.Column("at", _TIME),
    sa.CheckConstraint("outcome IN ('replayed', 'gone', 'failed')", name="outcome"),
    sa.Index("ix_bulk_item_open", "bulk_id", "position", postgresql_where=sa.text("outcome IS NULL")),
)

error_mark = sa.Table(
    "error_mark",
    metadata,
    sa.Column("queue", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.Text, primary_key=True),
    sa.Column("resolved_at", _TIME, nullable=False, server_default=sa.func.now()),
    sa.Column("resolved_by", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    comment="Errors that somebody calls resolved; one that comes again after that has regressed",
)
