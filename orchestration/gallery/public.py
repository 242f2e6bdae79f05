"""Reading the mirror, for those who show it.

It reads one public item. Keep out: writing the mirror.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from typing import Any


def public_document_text(connection: sa.Connection, history_id: str) -> str | None:
    """The public document as JSON text; None when there is none, or when the source has made it private."""
    row: sa.Row[Any] | None = connection.execute(_DOCUMENT, {"history_id": history_id}).one_or_none()
    return None if row is None else str(row[0])


_DOCUMENT = sa.text("""
    SELECT CAST(p.document AS text) FROM public_generation AS p JOIN generation_history AS h USING (history_id)
    WHERE p.history_id = :history_id AND h.is_visible
        AND NOT EXISTS (SELECT FROM gallery_takedown AS t WHERE t.history_id = h.history_id)
""")
