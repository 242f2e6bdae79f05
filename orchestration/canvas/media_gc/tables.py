"""The tables of canvas media and of their collection.

Columns, keys, constraints. Keep out: statements; the functions and triggers that keep writers and the
collection apart, which stand in the revision that makes these tables and nowhere else.

A medium lives in `canvas_media` and is marked in `media_gc_mark`. Its deletion moves the row into `media_tombstone` in
one transaction: from its commit on the medium is gone for everyone, and what is left to do is its object.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.storage.schema import metadata

_TIME = sa.DateTime(timezone=True)


def _count(name: str, comment: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0", comment=comment)


canvas_media = sa.Table(
    "canvas_media",
    metadata,
    sa.Column("media_id", sa.Text, primary_key=True),
    sa.Column("url", sa.Text),
    sa.Column(
        "storage_path", sa.Text, nullable=False, index=True, comment="Object key; rows of equal content share it"
    ),
    sa.Column("origin", sa.Text, nullable=False, server_default="upload"),
    sa.Column("project_id", sa.Text, comment="Where it was made; a medium may outlive its project"),
    sa.Column(
        "referenced_by_count",
        sa.Integer,
        nullable=False,
        server_default="0",
        comment="Places that refer to it, as the last collection counted them; a hint, never a reason to delete",
    ),
    sa.Column("metadata", pg.JSONB, nullable=False, server_default="{}", comment="width, height, duration, format"),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("created_at", _TIME, nullable=False, server_default=sa.func.now()),
    sa.Column("updated_at", _TIME, nullable=False, server_default=sa.func.now(), comment="The last upload"),
    sa.Column(
        "names",
        pg.ARRAY(sa.Text),
        nullable=False,
        server_default="{}",
        comment="What a text calls it by; set by the trigger",
    ),
    sa.CheckConstraint("origin IN ('canvas', 'wildmind', 'upload')", name="origin"),
    sa.CheckConstraint("storage_path <> ''", name="storage_path"),
    sa.CheckConstraint("bytes >= 0", name="bytes"),
    sa.Index("ix_canvas_media_url", "url"),
    sa.Index("ix_canvas_media_names", "names", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
)

media_unreferenced = sa.Table(
    "media_unreferenced",
    metadata,
    sa.Column("media_id", sa.ForeignKey("canvas_media.media_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("since", _TIME, nullable=False, comment="When a collection first found it so"),
    comment="Media that were in use and are no longer",
)

media_gc_run = sa.Table(
    "media_gc_run",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("started_at", _TIME, nullable=False),
    sa.Column("finished_at", _TIME),
    sa.Column("is_dry_run", sa.Boolean, nullable=False),
    sa.Column("is_forced", sa.Boolean, nullable=False),
    sa.Column("ttl_days", sa.Float, nullable=False),
    sa.Column("grace_hours", sa.Float, nullable=False),
    _count("media", "Rows of `canvas_media` when it began"),
    _count("media_bytes"),
    sa.Column("places", pg.JSONB, nullable=False, server_default="{}", comment="Places that refer to media, by source"),
    _count("repaired", "Stored counts that were wrong"),
    _count("candidates", "Media that nothing refers to, old enough, and not marked before"),
    _count("marked"),
    _count("revived", "Marks lifted because something refers to the medium again"),
    _count("deleted", "Media, without orphaned objects"),
    _count("orphans", "Objects without a row that were removed"),
    _count("bytes", "Freed in the object store"),
    _count("skipped"),
    _count("failed"),
    sa.Column("refused_reason", sa.Text),
)

media_gc_mark = sa.Table(
    "media_gc_mark",
    metadata,
    sa.Column("media_id", sa.ForeignKey("canvas_media.media_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("run_id", sa.ForeignKey("media_gc_run.id"), nullable=False, index=True),
    sa.Column("marked_at", _TIME, nullable=False),
    sa.Column("delete_after", _TIME, nullable=False),
    sa.Column("undone_at", _TIME, comment="Undone by an operator: not marked again for another TTL"),
    sa.CheckConstraint("delete_after >= marked_at", name="delete_after"),
)

media_tombstone = sa.Table(
    "media_tombstone",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("run_id", sa.ForeignKey("media_gc_run.id"), nullable=False, index=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("media_id", sa.Text, index=True, comment="None for an object of no medium"),
    sa.Column("storage_path", sa.Text, nullable=False),
    sa.Column("url", sa.Text),
    sa.Column("origin", sa.Text),
    sa.Column("project_id", sa.Text),
    sa.Column("bytes", sa.BigInteger, nullable=False, comment="Of the object"),
    sa.Column("created_at", _TIME, comment="The medium's"),
    sa.Column("marked_at", _TIME, nullable=False),
    sa.Column("marked_by", sa.ForeignKey("media_gc_run.id"), index=True, comment="The collection that marked it"),
    sa.Column("deleted_at", _TIME, nullable=False, comment="When the row was taken away"),
    sa.Column("object_state", sa.Text, nullable=False, server_default="pending"),
    sa.Column("settled_at", _TIME, comment="When that of the object was known"),
    sa.Column("freed", sa.BigInteger, nullable=False, server_default="0", comment="Bytes, once an object"),
    sa.Column("error", sa.Text, comment="Why the object is still there"),
    sa.CheckConstraint("reason IN ('unreferenced', 'orphan', 'unshown')", name="reason"),
    sa.CheckConstraint("(reason = 'unreferenced') = (media_id IS NOT NULL)", name="media_id"),
    sa.CheckConstraint("object_state IN ('pending', 'deleted', 'shared', 'missing', 'foreign')", name="object_state"),
    sa.CheckConstraint("(object_state = 'pending') = (settled_at IS NULL)", name="settled"),
    sa.CheckConstraint("freed = 0 OR (object_state = 'deleted' AND freed = bytes)", name="freed"),
    sa.Index("ix_media_tombstone_pending", "storage_path", postgresql_where=sa.text("object_state = 'pending'::text")),
)

media_orphan = sa.Table(
    "media_orphan",
    metadata,
    sa.Column("storage_path", sa.Text, primary_key=True),
    sa.Column("seen_at", _TIME, nullable=False, comment="When a collection first found it without a row"),
)
