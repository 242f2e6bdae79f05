"""Storing a medium: its object and its row, safe against a collection that is at work.

The one way to add canvas media. Keep out: what refers to them.

The object key is held, shared with other uploads, from before the object is looked for until the caller's transaction
ends, so no collection deletes an object that an upload has just found to be there. A transaction that fails leaves an
object without a row at most, which is collected as an orphan.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from orchestration.canvas.media_gc.model import FOLDER
from orchestration.errors import InvalidInputError
from orchestration.media.identify import content_hash
from orchestration.storage.objects import content_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from orchestration.storage.objects import ObjectStore

_EXTENSION = re.compile(r"[a-z0-9]{1,8}")


class Upload(NamedTuple):
    """A medium to store. `extension` has no dot; `url` is where it is served, if that is known."""

    media_id: str
    body: bytes
    extension: str
    mime: str | None = None
    url: str | None = None
    origin: str = "upload"
    project_id: str | None = None
    metadata: Mapping[str, Any] = {}


class StoredMedium(NamedTuple):
    """Where a medium is, and what of it was there before."""

    media_id: str
    storage_path: str
    is_new: bool
    is_new_object: bool


def store_media(connection: sa.Connection, objects: ObjectStore, upload: Upload, now: datetime) -> StoredMedium:
    """Store the object and register the row, in the caller's transaction; a second time changes no more than its age.

    Blocks until the object is stored; not for use within an event loop. Raises `InvalidInputError` for a media id that
    stands for other content, and `TransientError` when the store does not answer.
    """
    if not _EXTENSION.fullmatch(upload.extension):
        raise InvalidInputError(f"{upload.media_id}: {upload.extension!r} is no file name extension; write it as png")
    path = content_key(FOLDER, content_hash(upload.body), upload.extension)
    connection.execute(_HOLD_KEY, {"path": path})
    is_new_object = asyncio.run(objects.put_once(path, upload.body, mime=upload.mime))
    is_new = connection.execute(_REGISTER, _row(upload, path, now)).scalar()
    if is_new is None:
        raise InvalidInputError(f"{upload.media_id} stands for other content already; store this under a new id")
    connection.execute(_LIFT_MARK, {"media_id": upload.media_id})
    return StoredMedium(upload.media_id, path, bool(is_new), is_new_object)


def _row(upload: Upload, path: str, now: datetime) -> dict[str, object]:
    return {
        "media_id": upload.media_id,
        "url": upload.url,
        "storage_path": path,
        "origin": upload.origin,
        "project_id": upload.project_id,
        "metadata": dict(upload.metadata),
        "bytes": len(upload.body),
        "now": now,
    }


_HOLD_KEY = sa.text("SELECT pg_advisory_xact_lock_shared(hashtextextended(:path, 0))")

_REGISTER = sa.text("""
    INSERT INTO canvas_media AS m
        (media_id, url, storage_path, origin, project_id, metadata, bytes, created_at, updated_at)
    VALUES (:media_id, :url, :storage_path, :origin, :project_id, :metadata, :bytes, :now, :now)
    ON CONFLICT (media_id) DO UPDATE SET updated_at = greatest(m.updated_at, excluded.updated_at)
        WHERE m.storage_path = excluded.storage_path
    RETURNING xmax = 0
""").bindparams(sa.bindparam("metadata", type_=sa.JSON))

_LIFT_MARK = sa.text("DELETE FROM media_gc_mark WHERE media_id = :media_id")
