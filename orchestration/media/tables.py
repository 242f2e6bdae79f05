"""The tables of mirrored images.

One row an object, and where its bytes were seen. Keep out: which record shows which image; each domain
keeps that itself, by source URL, so that a picture that arrives later needs no second write.
"""

from __future__ import annotations

import sqlalchemy as sa

from orchestration.storage.schema import metadata

media = sa.Table(
    "media",
    metadata,
    sa.Column("content_hash", sa.Text, primary_key=True, comment="SHA-256 of the stored original, in hex"),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("mime", sa.Text, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("blur", sa.Text, comment="A 20-pixel placeholder as a data URL, once the variants are made"),
    sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column(
        "unused_since", sa.DateTime(timezone=True), comment="When a collection first found that nothing shows it"
    ),
)

media_source = sa.Table(
    "media_source",
    metadata,
    sa.Column("url", sa.Text, primary_key=True),
    sa.Column("content_hash", sa.ForeignKey("media.content_hash"), nullable=False, index=True),
    sa.Column("etag", sa.Text),
    sa.Column("last_modified", sa.Text),
    sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)

media_variant = sa.Table(
    "media_variant",
    metadata,
    sa.Column("content_hash", sa.ForeignKey("media.content_hash"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, index=True),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("mime", sa.Text, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
)
