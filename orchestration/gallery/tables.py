"""The gallery's tables: the source of truth, what is shown of it, and the signup page's images.

PostgreSQL itself enforces their rules. Keep out: statements, and the triggers, which stand in the revision that makes
these tables and nowhere else.

`generation_history` is the source, and `public_generation` its mirror. Whether an item may be seen is one generated
column of the source, so that triggers, indexes and queries cannot differ on it. The triggers number each change by
`revision`, and queue a task for every change that the mirror has to follow, in the writer's transaction.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.storage.schema import metadata

# Fan-out tasks of the mirror queue have such keys, so no item may.
CREATOR_PREFIX = "creator:"

_visible = sa.text("is_visible")

revision_number = sa.Sequence("generation_revision", metadata=metadata)

app_user = sa.Table(
    "app_user",
    metadata,
    sa.Column("uid", sa.Text, primary_key=True),
    sa.Column("username", sa.Text),
    sa.Column("display_name", sa.Text),
    sa.Column("email", sa.Text, comment="Never shown to anyone"),
    sa.Column("photo_url", sa.Text),
)

generation_history = sa.Table(
    "generation_history",
    metadata,
    sa.Column("history_id", sa.Text, primary_key=True),
    sa.Column("uid", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False, server_default="generating"),
    sa.Column("visibility", sa.Text, nullable=False),
    sa.Column("is_public", sa.Boolean, nullable=False),
    sa.Column("is_deleted", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column(
        "is_visible",
        sa.Boolean,
        sa.Computed("is_public AND NOT is_deleted AND visibility = 'public'", persisted=True),
        nullable=False,
        comment="Shown to everyone, unless it was taken down",
    ),
    sa.Column("nsfw", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("generation_type", sa.Text),
    sa.Column("aesthetic_score", sa.Float, comment="0 to 10, the highest of its media"),
    sa.Column("document", pg.JSONB, nullable=False, server_default="{}", comment="All else, by camelCase names"),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column(
        "revision",
        sa.BigInteger,
        nullable=False,
        server_default=sa.text("nextval('generation_revision')"),
        comment="Rises with each change of what a mirror could show; set by the trigger",
    ),
    sa.Column("deleted_at", sa.DateTime(timezone=True), comment="Set by the trigger"),
    sa.CheckConstraint("status IN ('generating', 'completed', 'failed')", name="status"),
    sa.CheckConstraint("visibility IN ('private', 'public', 'unlisted')", name="visibility"),
    sa.CheckConstraint("is_public = (visibility = 'public')", name="public"),
    sa.CheckConstraint("aesthetic_score BETWEEN 0 AND 10", name="aesthetic_score"),
    sa.CheckConstraint(f"history_id NOT LIKE '{CREATOR_PREFIX}%'", name="history_id"),
)
sa.Index("ix_generation_history_uid", generation_history.c.uid, generation_history.c.created_at.desc())
sa.Index("ix_generation_history_visible", generation_history.c.uid, postgresql_where=_visible)

gallery_takedown = sa.Table(
    "gallery_takedown",
    metadata,
    sa.Column("history_id", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("taken_down_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    comment="Removed by an operator until lifted, whatever the history says",
)

public_generation = sa.Table(
    "public_generation",
    metadata,
    sa.Column("history_id", sa.Text, primary_key=True),
    sa.Column("uid", sa.Text, nullable=False),
    sa.Column("generation_type", sa.Text),
    sa.Column("nsfw", sa.Boolean, nullable=False),
    sa.Column("aesthetic_score", sa.Float),
    sa.Column("document", pg.JSONB, nullable=False, comment="The whole public document"),
    sa.Column("source_revision", sa.BigInteger, nullable=False, comment="Of the history that it was made from"),
    sa.Column("content_hash", sa.Text, nullable=False, comment="Of the document, by PostgreSQL's jsonb_hash_extended"),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="The history's"),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, comment="The history's"),
    sa.Column("mirrored_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)
_newest = public_generation.c.created_at.desc()
sa.Index("ix_public_generation_newest", _newest, public_generation.c.history_id)
sa.Index("ix_public_generation_type", public_generation.c.generation_type, _newest, public_generation.c.history_id)
sa.Index(
    "ix_public_generation_score",
    public_generation.c.aesthetic_score.desc().nulls_last(),
    public_generation.c.history_id,
)
sa.Index("ix_public_generation_uid", public_generation.c.uid, _newest)

signup_image = sa.Table(
    "signup_image",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("image_url", sa.Text, nullable=False),
    sa.Column("prompt", sa.Text),
    sa.Column("generation_id", sa.Text),
    sa.Column("creator", pg.JSONB(none_as_null=True)),
    sa.Column("score", sa.Float),
    sa.Column("cached_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)
