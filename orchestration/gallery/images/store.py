"""From a shown generation to the renditions of its images and back: what has to be fetched, made and shown again.

It queues what follows from a generation that is shown, from an image that is stored, and from renditions that are made.
Each follows within the transaction of its cause, so no step is lost when a process dies between two. Keep out: fetching
and rendering (`media`), and the mirror.

Tasks are locked in one order, the mirror's before the renditions' before the images', so that no two of these
transactions wait for each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from orchestration.errors import OrchestrationError
from orchestration.gallery.images.tables import generation_picture
from orchestration.gallery.queues import MirrorOp, mirror_task
from orchestration.media.rules import parse_web_url
from orchestration.storage import bulk
from orchestration.work_queue.model import NewTask, Priority

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from orchestration.media.fetcher import StoredImages
    from orchestration.media.rules import HostRules
    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue

# Public documents read from the server at a time.
_PAGE = 1_000


class ImageFlow:
    """What follows from what, between the queues of images, renditions and the mirror."""

    def __init__(self, rules: HostRules, *, images: TaskQueue, renditions: TaskQueue, mirror: TaskQueue) -> None:
        self._rules = rules
        self._images = images
        self._renditions = renditions
        self._mirror = mirror

    def follow(self, connection: sa.Connection, documents: Sequence[Mapping[str, Any]]) -> None:
        """Public documents appeared or changed: note their images, and queue those that have no smaller forms."""
        shown = {str(document["id"]): list(self._entries(document)) for document in documents}
        missing = {entry["url"] for entries in shown.values() for entry in entries if not _is_optimised(entry)}
        _note(connection, {history_id: {entry["url"] for entry in entries} for history_id, entries in shown.items()})
        self._images.enqueue(connection, _without_dead(connection, self._images, missing))

    def stored(self, connection: sa.Connection, images: StoredImages) -> None:
        """Images are stored: queue their renditions, or show those that are made already."""
        hashes = images.by_url
        made = set(connection.execute(_RENDERED, {"hashes": sorted(set(hashes.values()))}).scalars())
        self._show(connection, [url for url, content_hash in hashes.items() if content_hash in made])
        self._renditions.enqueue(connection, _without_dead(connection, self._renditions, set(hashes.values()) - made))

    def rendered(self, connection: sa.Connection, hashes: Sequence[str]) -> None:
        """Renditions are made: queue the generations that show these images, to be mirrored with them."""
        self._show(connection, connection.execute(_URLS_OF, {"hashes": list(hashes)}).scalars().all())

    def ask_for_all(self, database: Database) -> int:
        """As if every public generation had just appeared; how many there are.

        For images that came before their host was allowed. A page a transaction, so that the mirror hardly waits.
        """
        count, last = 0, ""
        while True:
            with database.begin() as connection:
                rows = connection.execute(_PAGE_OF_DOCUMENTS, {"last": last, "limit": _PAGE}).all()
                self.follow(connection, [{"id": row.history_id, "images": row.images} for row in rows])
            if not rows:
                return count
            count, last = count + len(rows), rows[-1].history_id

    def _show(self, connection: sa.Connection, urls: Collection[str]) -> None:
        showing = connection.execute(_SHOWING, {"urls": sorted(urls)}).scalars()
        tasks = [mirror_task(history_id, MirrorOp.UPDATE, priority=Priority.LOW) for history_id in showing]
        self._mirror.enqueue(connection, tasks)

    def _entries(self, document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """The image entries of a document whose address is on an allowed host."""
        images = document.get("images")
        for entry in images if isinstance(images, list) else ():
            if isinstance(entry, dict) and self._is_allowed(entry.get("url")):
                yield entry

    def _is_allowed(self, url: object) -> bool:
        if not isinstance(url, str):
            return False
        try:
            self._rules.check(parse_web_url(url))
        except OrchestrationError:
            return False
        return True


def servable(connection: sa.Connection, key: str) -> bool:
    """Whether the object is a smaller form of an image that a generation shows which is public at this moment."""
    return bool(connection.execute(_SERVABLE, {"key": key}).scalar_one())


def _without_dead(connection: sa.Connection, queue: TaskQueue, keys: Collection[str]) -> list[NewTask]:
    """Tasks of these keys, but for dead ones: each change of a generation would let those begin again."""
    dead = connection.execute(_DEAD, {"queue": queue.name, "keys": sorted(keys)}).scalars()
    return [NewTask(key) for key in sorted(set(keys) - set(dead))]


def _is_optimised(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("thumbnailUrl") and entry.get("avifUrl"))


def _note(connection: sa.Connection, shown: Mapping[str, Collection[str]]) -> None:
    """Let each generation have exactly these images."""
    rows = [{"history_id": one, "url": url} for one, urls in sorted(shown.items()) for url in sorted(urls)]
    values = {"ids": [row["history_id"] for row in rows], "urls": [row["url"] for row in rows], "all": list(shown)}
    connection.execute(_FORGET, values)
    bulk.insert(connection, generation_picture, rows, columns=("history_id", "url"))


_FORGET = sa.text("""
    DELETE FROM generation_picture WHERE history_id = ANY (CAST(:all AS text[]))
        AND (history_id, url) NOT IN (SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:urls AS text[])))
""")

_RENDERED = sa.text(
    "SELECT DISTINCT content_hash FROM media_variant WHERE content_hash = ANY (CAST(:hashes AS text[]))"
)

_DEAD = sa.text("""
    SELECT key FROM task WHERE queue = :queue AND key = ANY (CAST(:keys AS text[])) AND state = 'dead'
""")

_URLS_OF = sa.text("SELECT url FROM media_source WHERE content_hash = ANY (CAST(:hashes AS text[]))")

_SHOWING = sa.text("""
    SELECT DISTINCT history_id FROM generation_picture WHERE url = ANY (CAST(:urls AS text[])) ORDER BY history_id
""")

# Locked, or a generation could be gone before its images are noted.
_PAGE_OF_DOCUMENTS = sa.text("""
    SELECT history_id, document -> 'images' AS images FROM public_generation
    WHERE history_id > :last ORDER BY history_id LIMIT :limit FOR KEY SHARE
""")

_SERVABLE = sa.text("""
    SELECT EXISTS (
        SELECT FROM media_variant AS v
        JOIN media_source AS s USING (content_hash)
        JOIN generation_picture AS p USING (url)
        JOIN generation_history AS h USING (history_id)
        WHERE v.key = :key AND h.is_visible
            AND NOT EXISTS (SELECT FROM gallery_takedown AS t WHERE t.history_id = h.history_id))
""")
