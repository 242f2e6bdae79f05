"""Mirroring images: from a URL to one stored object, and one row an object.

Belongs here: the path of a batch of image tasks, whose keys are URLs, from the queue to the object store and the
database. Does not: which record shows an image, and the variants (`renditions`).

A URL that is stored is not downloaded again, unless the task asks to ask: then by ETag. Bytes that are stored under
another URL are not stored twice. The object is created before its row, under the hash of its bytes, so a killed worker
leaves at most an object that the next attempt finds in place.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.errors import OrchestrationError
from orchestration.media.identify import ImageFacts, content_hash, identify
from orchestration.media.statuses import NotFoundError
from orchestration.media.tables import media, media_source
from orchestration.observability.logs import about, get_logger
from orchestration.storage import bulk
from orchestration.storage.objects import content_key
from orchestration.work_queue.model import NewTask, Outcome, TaskState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from orchestration.media.download import Download, Downloader
    from orchestration.storage.database import Database
    from orchestration.storage.objects import ObjectStore
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Task
    from orchestration.work_queue.queue import TaskQueue

log = get_logger()


class Mirrored(StrEnum):
    """What became of an image task."""

    STORED = "stored"
    DEDUPLICATED = "deduplicated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


class MirroredImage(NamedTuple):
    """One image task's end. A failed one that is not final will be tried again."""

    url: str
    outcome: Mirrored
    content_hash: str | None = None
    bytes: int = 0
    problem: str | None = None
    is_final: bool = True


class _Known(NamedTuple):
    """What is stored of a URL."""

    content_hash: str
    etag: str | None
    last_modified: str | None


class _Original(NamedTuple):
    """A downloaded image, whose object exists."""

    content_hash: str
    key: str
    bytes: int
    facts: ImageFacts
    etag: str | None
    last_modified: str | None


class _Fetched(NamedTuple):
    task: Task
    original: _Original | None = None
    known: _Known | None = None
    error: Exception | None = None

    @property
    def content_hash(self) -> str | None:
        """Of the image that is stored for this URL now."""
        found = self.original or self.known
        return found.content_hash if found else None


class ImageMirror:
    """Handles claims of the image queue. `report` hears what became of each image once it is committed.

    `stored` is called in the transaction that settles a batch, before that is done, with the content hash of each URL
    whose image is there: for whatever has to follow from that in any case.
    """

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        downloader: Downloader,
        variants: TaskQueue,
        *,
        max_bytes: int,
        max_pixels: int,
        report: Callable[[Sequence[MirroredImage]], None],
        stored: Callable[[sa.Connection, Mapping[str, str]], None] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._store = store
        self._downloader = downloader
        self._variants = variants
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels
        self._report = report
        self._stored = stored
        self._clock = clock

    async def handle(self, claim: Claim) -> None:
        """Mirror a batch of URLs."""
        known = await asyncio.to_thread(self._known, [task.key for task in claim.tasks])
        fetched = await asyncio.gather(*(self._fetch(task, known.get(task.key)) for task in claim.tasks))
        self._report(await asyncio.to_thread(self._write, claim, fetched))

    def _known(self, urls: Sequence[str]) -> dict[str, _Known]:
        columns = (media_source.c.url, media_source.c.content_hash, media_source.c.etag, media_source.c.last_modified)
        wanted = sa.any_(sa.cast(list(urls), sa.ARRAY(sa.Text)))
        with self._database.connect() as connection:
            rows = connection.execute(sa.select(*columns).where(media_source.c.url == wanted))
            return {url: _Known(*rest) for url, *rest in rows}

    async def _fetch(self, task: Task, known: _Known | None) -> _Fetched:
        if known and not task.payload.get("revalidate"):
            return _Fetched(task, known=known)
        try:
            with about(supplier=task.grouping, url=task.key, attempt=task.attempt):
                return await self._download(task, known)
        except OrchestrationError as error:
            if known and isinstance(error, NotFoundError):
                log.info("image gone at its source; the stored one stays", url=task.key)
                return _Fetched(task, known=known)
            log.warning("image failed", url=task.key, error=str(error), attempt=task.attempt)
            return _Fetched(task, error=error)

    async def _download(self, task: Task, known: _Known | None) -> _Fetched:
        etag, last_modified = (known.etag, known.last_modified) if known else (None, None)
        answer = await self._downloader.get(task.key, max_bytes=self._max_bytes, etag=etag, last_modified=last_modified)
        if answer.not_modified:
            return _Fetched(task, known=known)
        return _Fetched(task, original=await self._keep(answer))

    async def _keep(self, answer: Download) -> _Original:
        facts = identify(answer.body, max_pixels=self._max_pixels)
        digest = content_hash(answer.body)
        key = content_key("media", digest, facts.extension)
        await self._store.put_once(key, answer.body, mime=facts.mime)
        return _Original(digest, key, len(answer.body), facts, answer.etag, answer.last_modified)

    def _write(self, claim: Claim, fetched: Sequence[_Fetched]) -> list[MirroredImage]:
        with self._database.begin() as connection:
            inserted = _insert_media(connection, [one.original for one in fetched if one.original])
            _insert_sources(connection, fetched, self._clock())
            self._variants.enqueue(connection, [NewTask(digest) for digest in sorted(inserted)])
            if self._stored:
                self._stored(connection, {one.task.key: digest for one in fetched if (digest := one.content_hash)})
            settled = claim.settle(connection, [Outcome(one.task, one.error) for one in fetched])
        final = {item.task.key for item in settled if item.state is not TaskState.WAITING}
        return [_mirrored(one, inserted, is_final=one.task.key in final) for one in fetched]


def _insert_media(connection: sa.Connection, originals: Sequence[_Original]) -> set[str]:
    """Insert a row for each object that has none; the hashes of those inserted."""
    if not originals:
        return set()
    rows = {
        one.content_hash: {
            "content_hash": one.content_hash,
            "key": one.key,
            "bytes": one.bytes,
            "mime": one.facts.mime,
            "width": one.facts.width,
            "height": one.facts.height,
        }
        for one in originals
    }
    # In order of the key, so that two workers that store the same pictures wait for each other and never in a ring.
    ordered = [rows[digest] for digest in sorted(rows)]
    return bulk.insert_new(connection, media, ordered, columns=tuple(ordered[0]), key="content_hash")


def _insert_sources(connection: sa.Connection, fetched: Sequence[_Fetched], now: datetime) -> None:
    """Point each downloaded URL at its object, and note when each URL was asked."""
    rows = [
        {
            "url": one.task.key,
            "content_hash": one.original.content_hash,
            "etag": one.original.etag,
            "last_modified": one.original.last_modified,
            "checked_at": now.isoformat(),
        }
        for one in sorted(fetched, key=lambda one: one.task.key)
        if one.original
    ]
    bulk.upsert(connection, media_source, rows, columns=("url", "content_hash", "etag", "last_modified", "checked_at"))
    asked = [one.task.key for one in fetched if one.known and one.task.payload.get("revalidate")]
    if asked:
        sources = sa.update(media_source).where(media_source.c.url.in_(sorted(asked)))
        connection.execute(sources.values(checked_at=now))


def _mirrored(one: _Fetched, inserted: set[str], *, is_final: bool) -> MirroredImage:
    if one.error is not None:
        return MirroredImage(one.task.key, Mirrored.FAILED, problem=str(one.error), is_final=is_final)
    if one.original is None:
        outcome = Mirrored.UNCHANGED if one.task.payload.get("revalidate") else Mirrored.DEDUPLICATED
        return MirroredImage(one.task.key, outcome, one.known.content_hash if one.known else None)
    outcome = Mirrored.STORED if one.original.content_hash in inserted else Mirrored.DEDUPLICATED
    # Of several URLs in one batch with the same bytes, the first one stored them.
    inserted.discard(one.original.content_hash)
    return MirroredImage(one.task.key, outcome, one.original.content_hash, one.original.bytes)
