"""Generations that are public and mirrored, written straight into both tables.

Rows for tests of what is made of the mirror. Keep out: mirroring.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from orchestration.gallery.tables import app_user, generation_history, public_generation
from orchestration.storage import bulk

if TYPE_CHECKING:
    from collections.abc import Sequence

START = datetime(2026, 1, 1, tzinfo=UTC)
_SHARED = ("history_id", "uid", "generation_type", "nsfw", "aesthetic_score", "document", "created_at", "updated_at")


def picture(number: object, score: float | None = None, **fields: object) -> dict[str, Any]:
    """An image of a document."""
    judged = {} if score is None else {"aestheticScore": score}
    return {"id": f"i{number}", "url": f"https://images.example/{number}.png", **judged, **fields}


def public_row(number: int, *images: dict[str, Any], **fields: object) -> dict[str, Any]:
    """A public generation; without images it has one, scored 9 and by a creator of its own."""
    document = {"prompt": f"prompt {number}", "images": list(images or (picture(number, 9.0),))}
    when = (START + timedelta(minutes=number)).isoformat()
    return {
        "history_id": f"g{number}",
        "uid": f"u{number}",
        "generation_type": "text-to-image",
        "nsfw": False,
        "aesthetic_score": None,
        "document": document,
        "created_at": when,
        "updated_at": when,
    } | fields


def publish(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Store the generations, mirrored already."""
    source = [row | {"status": "completed", "visibility": "public", "is_public": True} for row in rows]
    bulk.insert(connection, generation_history, source, columns=(*_SHARED, "status", "visibility", "is_public"))
    mirrored = [row | {"source_revision": 1, "content_hash": ""} for row in rows]
    bulk.insert(connection, public_generation, mirrored, columns=(*_SHARED, "source_revision", "content_hash"))


def know(connection: sa.Connection, uid: str, **fields: str | None) -> None:
    """Store a user."""
    connection.execute(sa.insert(app_user).values(uid=uid, **fields))
