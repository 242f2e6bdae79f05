"""Fetching images: from a URL to one stored object, and one row an object.

It takes a batch of image tasks, whose keys are URLs, from the queue to the object store and the database. Keep out:
which record shows an image, and the renditions (`renditions`).

A URL that is stored is not downloaded again, unless the task says so: then the server is asked by ETag. Bytes that are
stored under another URL are not stored twice. The object is created before its row, under the hash of its bytes, so a
killed worker leaves at most an object that the next attempt finds in place.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.errors import OrchestrationError
from orchestration.media.identify import content_hash, identify
from orchestration.media.statuses import NotFoundError
from orchestration.media.tables import media, media_source
from orchestration.media.unshown import MIRRORED, hold_found
from orchestration.observability.logs import about, get_logger
from orchestration.storage import bulk
from orchestration.storage.objects import content_key
from orchestration.work_queue.claim import TaskHandler
from orchestration.work_queue.model import Outcome, TaskState
from orchestration.work_queue.rounds import settle_in_rounds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from orchestration.media.download import Download, Downloader
    from orchestration.media.image_rules import ImageFacts
    from orchestration.storage.database import Database
    from orchestration.storage.objects import ObjectStore
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Settled, Task

log = get_logger()


class FetchOutcome(StrEnum):
    """What happened to an image task."""

    STORED = "stored"
    DEDUPLICATED = "deduplicated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


class MirroredImage(NamedTuple):
    """One image task's end. A failed one that is not final will be tried again."""

    url: str
    outcome: FetchOutcome
    content_hash: str | None = None
    bytes: int = 0
    problem: str | None = None
    is_final: bool = True


class StoredImages(NamedTuple):
    """Images that a transaction has stored: the content hash of each URL whose image is there, and the new hashes."""

    by_url: Mapping[str, str]
    new: Sequence[str]


class _Known(NamedTuple):
    """What is stored of a URL."""

    content_hash: str
    etag: str | None
    last_modified: str | None


class _Original(NamedTuple):
    """A downloaded image, whose object exists; `is_found` when it did before."""

    content_hash: str
    key: str
    bytes: int
    facts: ImageFacts
    etag: str | None
    last_modified: str | None
    is_found: bool


class _Attempt(NamedTuple):
    task: Task
    original: _Original | None = None
    known: _Known | None = None
    error: Exception | None = None

    @property
    def content_hash(self) -> str | None:
        """Of the image that is stored for this URL now."""
        found = self.original or self.known
        return found.content_hash if found else None


class ImageFetcher(TaskHandler[MirroredImage]):
    """Handles claims of an image queue; its results are mirrored images.

    However many downloads are in flight, `at_a_time` images are checked and stored. `on_stored` is called in the
    transaction that settles images, with what they are: it queues what follows from it.
    `on_settled` is called in the same transaction with how each task ended, also with those that failed unexpectedly.
    """

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        downloader: Downloader,
        *,
        max_bytes: int,
        max_pixels: int,
        at_a_time: int,
        on_stored: Callable[[sa.Connection, StoredImages], None],
        on_settled: Callable[[sa.Connection, Sequence[Settled]], None] = lambda _connection, _settled: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._store = store
        self._downloader = downloader
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels
        self._places = asyncio.Semaphore(at_a_time)
        self._on_stored = on_stored
        self._on_settled = on_settled
        self._clock = clock

    async def handle(self, claim: Claim[MirroredImage]) -> None:
        """Fetch a batch of URLs."""
        known = await asyncio.to_thread(self._known, [task.key for task in claim.tasks])
        await settle_in_rounds(
            claim, lambda task: self._fetch(task, known.get(task.key)), partial(self._write, claim), _failed
        )

    def failure(self, settled: Settled) -> MirroredImage:
        """The image of a task that failed unexpectedly."""
        return MirroredImage(
            settled.task.key,
            FetchOutcome.FAILED,
            problem=str(settled.error),
            is_final=settled.state is not TaskState.WAITING,
        )

    def record_failures(self, connection: sa.Connection, failures: Sequence[Settled]) -> None:
        """Hand them to `on_settled`."""
        self._on_settled(connection, failures)

    def _known(self, urls: Sequence[str]) -> dict[str, _Known]:
        columns = (media_source.c.url, media_source.c.content_hash, media_source.c.etag, media_source.c.last_modified)
        wanted = sa.any_(sa.cast(list(urls), sa.ARRAY(sa.Text)))
        with self._database.connect() as connection:
            rows = connection.execute(sa.select(*columns).where(media_source.c.url == wanted))
            return {url: _Known(*rest) for url, *rest in rows}

    async def _fetch(self, task: Task, known: _Known | None) -> _Attempt:
        if known and not task.payload.get("revalidate"):
            return _Attempt(task, known=known)
        try:
            with about(supplier=task.grouping, url=task.key, attempt=task.attempt):
                return await self._download(task, known)
        except OrchestrationError as error:
            if known and isinstance(error, NotFoundError):
                log.info("image gone at its source; the stored one stays", url=task.key)
                return _Attempt(task, known=known)
            log.warning("image failed", url=task.key, error=str(error), attempt=task.attempt)
            return _Attempt(task, error=error)

    async def _download(self, task: Task, known: _Known | None) -> _Attempt:
        etag, last_modified = (known.etag, known.last_modified) if known else (None, None)
        answer = await self._downloader.get(task.key, max_bytes=self._max_bytes, etag=etag, last_modified=last_modified)
        if answer.not_modified:
            return _Attempt(task, known=known)
        async with self._places:
            return _Attempt(task, original=await self._keep(answer))

    async def _keep(self, answer: Download) -> _Original:
        facts = identify(answer.body, max_pixels=self._max_pixels)
        digest = content_hash(answer.body)
        key = content_key(MIRRORED, digest, facts.extension)
        is_new = await self._store.put_once(key, answer.body, mime=facts.mime)
        return _Original(digest, key, len(answer.body), facts, answer.etag, answer.last_modified, not is_new)

    def _write(self, claim: Claim[MirroredImage], fetched: Sequence[_Attempt]) -> None:
        with claim.transaction() as connection:
            originals = [one.original for one in fetched if one.original]
            inserted = _insert_media(connection, originals)
            without_row = {one.key for one in originals if one.is_found and one.content_hash in inserted}
            hold_found(connection, self._store, without_row)
            _insert_sources(connection, fetched, self._clock())
            by_url = {one.task.key: digest for one in fetched if (digest := one.content_hash)}
            self._on_stored(connection, StoredImages(by_url, sorted(inserted)))
            settled = claim.settle(connection, [Outcome(one.task, one.error) for one in fetched])
            self._on_settled(connection, settled)
        final = {item.task.key for item in settled if item.state is not TaskState.WAITING}
        for one in fetched:
            claim.report(one.task, _mirrored(one, inserted, is_final=one.task.key in final))


def _failed(task: Task, error: Exception) -> _Attempt:
    return _Attempt(task, error=error)


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
    # In order of the key, so that two workers that store the same images wait for each other and never in a ring.
    ordered = [rows[digest] for digest in sorted(rows)]
    return bulk.insert_new(connection, media, ordered, columns=tuple(ordered[0]), key="content_hash")


def _insert_sources(connection: sa.Connection, fetched: Sequence[_Attempt], now: datetime) -> None:
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


def _mirrored(one: _Attempt, inserted: set[str], *, is_final: bool) -> MirroredImage:
    if one.error is not None:
        return MirroredImage(one.task.key, FetchOutcome.FAILED, problem=str(one.error), is_final=is_final)
    if one.original is None:
        outcome = FetchOutcome.UNCHANGED if one.task.payload.get("revalidate") else FetchOutcome.DEDUPLICATED
        return MirroredImage(one.task.key, outcome, one.known.content_hash if one.known else None)
    outcome = FetchOutcome.STORED if one.original.content_hash in inserted else FetchOutcome.DEDUPLICATED
    # Of several URLs in one batch with the same bytes, the first one stored them.
    inserted.discard(one.original.content_hash)
    return MirroredImage(one.task.key, outcome, one.original.content_hash, one.original.bytes)
