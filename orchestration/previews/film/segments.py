"""Segments that were encoded before, by what decides every pixel of them.

Looking up and keeping. Keep out: what decides a segment (`film`), and encoding (`encoding`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from orchestration.errors import TransientError
from orchestration.observability.logs import get_logger
from orchestration.storage.object_errors import MissingObjectError
from orchestration.storage.objects import ObjectStore, content_key

if TYPE_CHECKING:
    from datetime import datetime, timedelta

FOLDER = "previews/segments"
_EXTENSION = "segment"

log = get_logger()


class Segment(msgspec.Struct, frozen=True):
    """An encoded stretch: its bytes, its number of frames, and the CPU seconds that it took."""

    body: bytes
    frames: int
    cpu_seconds: float


class SegmentCache:
    """The segments in the object store at `url`. A store that is away costs renderings, and no job."""

    def __init__(self, url: str) -> None:
        self._objects = ObjectStore(url)

    def find(self, address: str) -> Segment | None:
        """The segment of that address, if it is kept and whole."""
        try:
            found = self._objects.get(content_key(FOLDER, address, _EXTENSION))
            return msgspec.msgpack.decode(found, type=Segment)
        except MissingObjectError:
            return None
        except (TransientError, msgspec.MsgspecError) as error:
            log.warning("segment not read", address=address, error=str(error))
            return None

    def keep(self, address: str, segment: Segment) -> None:
        """Keep a segment for later films."""
        try:
            key = content_key(FOLDER, address, _EXTENSION)
            asyncio.run(self._objects.put_once(key, msgspec.msgpack.encode(segment)))
        except TransientError as error:
            log.warning("segment not kept", address=address, error=str(error))


def prune_segments(objects: ObjectStore, *, now: datetime, keep: timedelta) -> int:
    """Delete segments that were made longer ago than `keep`; how many."""
    old = [key for key in objects.sizes(FOLDER) if _is_older(objects, key, now - keep)]
    return sum(objects.delete(key) for key in old)


def _is_older(objects: ObjectStore, key: str, moment: datetime) -> bool:
    try:
        return objects.head(key).modified_at < moment
    except MissingObjectError:
        return False
