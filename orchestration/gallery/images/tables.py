"""Which public generation shows which image.

It holds that table. Keep out: the images themselves (`media`).

A row goes with its generation, so the renditions of an image are reachable only while a generation shows the image.
"""

from __future__ import annotations

import sqlalchemy as sa

from orchestration.storage.schema import metadata

generation_picture = sa.Table(
    "generation_picture",
    metadata,
    sa.Column("history_id", sa.ForeignKey("public_generation.history_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("url", sa.Text, primary_key=True, comment="Of the original"),
    comment="Images of the gallery's allowed hosts",
)
sa.Index("ix_generation_picture_url", generation_picture.c.url)
