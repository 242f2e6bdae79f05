"""The table of requests.

Keep out: what a request asks for, which each domain declares.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.storage.schema import metadata

work_request = sa.Table(
    "work_request",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("arguments", pg.JSONB, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
    sa.Column("run_id", sa.Text),
    sa.Column("started_at", sa.DateTime(timezone=True)),
    sa.Column("finished_at", sa.DateTime(timezone=True)),
    sa.Column("result", pg.JSONB),
    sa.Column("error", sa.Text),
    sa.Column("request_id", sa.Text, comment="The caller's own id of it"),
    sa.Column("http_request_id", sa.Text, comment="Of the HTTP request that asked"),
    sa.CheckConstraint("state IN ('waiting', 'started', 'completed', 'failed')", name="state"),
    sa.Index("ix_work_request_unfinished", "id", postgresql_where=sa.text("state IN ('waiting', 'started')")),
    sa.Index("ix_work_request_kind_id", "kind", "id"),
    sa.Index("ix_work_request_request_id", "request_id"),
)
