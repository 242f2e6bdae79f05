"""Pictures of the catalogue by the address that they came from: where their stored forms are.

Keep out: signing links (`frame`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Collection

_THUMBS = sa.text("""
SELECT s.url, coalesce(v.key, m.key) FROM media_source AS s JOIN media AS m USING (content_hash)
LEFT JOIN media_variant AS v ON v.content_hash = m.content_hash AND v.name = :name
WHERE s.url = ANY (CAST(:urls AS text[]))""")


def stored_forms(connection: sa.Connection, urls: Collection[str | None], name: str = "thumbnail") -> dict[str, str]:
    """The object key of each stored image, by its source: of the smaller form of that name, or else of the original."""
    wanted = [url for url in urls if url]
    if not wanted:
        return {}
    return dict(connection.execute(_THUMBS, {"urls": wanted, "name": name}).tuples().all())
