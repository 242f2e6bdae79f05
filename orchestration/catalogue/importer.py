"""Importing families: documents downloaded, decoded and written a batch at a time.

Belongs here: the path of a batch of family tasks from the queue to the database. Does not: which families are due
(`plan`), what a document means (`decode`), how rows are written (`store`).

One transaction carries a batch: families, quarantined documents, the sync's counts and the tasks' own ends. A worker
that is killed, or that lost its claim, leaves nothing of it behind, and the tasks run again elsewhere.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.catalogue.decode import decode_family
from orchestration.catalogue.drift import record_observations
from orchestration.catalogue.quarantine import Quarantined, refusal, set_aside
from orchestration.catalogue.store import Arrival, Effect, StoredFamily, store_families
from orchestration.catalogue.syncs import SyncStep, count_step
from orchestration.catalogue.tables import feed_entry, product_family
from orchestration.errors import PermanentError, TransientError
from orchestration.observability.logs import about, get_logger
from orchestration.work_queue.model import NewTask, Outcome, TaskState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from orchestration.catalogue.drift import DriftWatch, Observation
    from orchestration.media.download import Downloader
    from orchestration.storage.database import Database
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Task
    from orchestration.work_queue.queue import TaskQueue

log = get_logger()


class ImportedFamily(NamedTuple):
    """What became of one family task.

    `stored` is set for an imported family, `problem` for one that was not, and neither for one that was up to date. A
    problem that is not final is tried again.
    """

    a_number: str
    supplier: str
    stored: StoredFamily | None = None
    problem: str | None = None
    is_final: bool = True
    is_quarantined: bool = False
    downloaded: bool = False


class Entry(NamedTuple):
    """Where a family's document is, and what is stored of it: None for a family that is new or was removed."""

    a_number: str
    supplier: str
    url: str
    supplier_hash: str
    stored_hash: str | None


class _Fetched(NamedTuple):
    """One task after its download: an arrival, a document to quarantine, an error, or nothing to do."""

    task: Task
    entry: Entry | None
    arrival: Arrival | None = None
    refused: Quarantined | None = None
    error: Exception | None = None
    downloaded: bool = False
    observation: Observation | None = None


class FamilyImporter:
    """Handles claims of the family queue. `report` hears what became of each family once it is committed."""

    def __init__(
        self,
        database: Database,
        downloader: Downloader,
        images: TaskQueue,
        watch: DriftWatch,
        *,
        max_document_bytes: int,
        report: Callable[[Sequence[ImportedFamily]], None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._downloader = downloader
        self._images = images
        self._watch = watch
        self._max_bytes = max_document_bytes
        self._report = report
        self._clock = clock

    async def handle(self, claim: Claim) -> None:
        """Import a batch. A document that cannot be used is set aside; what may pass goes back to the queue."""
        entries = await asyncio.to_thread(self._entries, [task.key for task in claim.tasks])
        fetched = await asyncio.gather(*(self._fetch(task, entries.get(task.key)) for task in claim.tasks))
        try:
            self._report(await asyncio.to_thread(self._write, claim, fetched))
        except BaseException:
            self._watch.forget()
            raise

    def _entries(self, a_numbers: Sequence[str]) -> dict[str, Entry]:
        with self._database.connect() as connection:
            entries = read_entries(connection, a_numbers)
            self._watch.prepare(connection, {entry.supplier for entry in entries.values()})
        return entries

    async def _fetch(self, task: Task, entry: Entry | None) -> _Fetched:
        if entry is None:
            gone = PermanentError(f"{task.key} is not in the feed; sync its supplier, or check the key")
            return _Fetched(task, None, error=gone)
        if entry.stored_hash == entry.supplier_hash and not task.payload.get("force"):
            return _Fetched(task, entry)
        with about(supplier=entry.supplier, a_number=entry.a_number, attempt=task.attempt):
            return await self._download(task, entry)

    async def _download(self, task: Task, entry: Entry) -> _Fetched:
        body: bytes | None = None
        try:
            body = (await self._downloader.get(entry.url, max_bytes=self._max_bytes)).body
            decoded = decode_family(body, a_number=entry.a_number, supplier=entry.supplier)
        except PermanentError as error:
            log.warning("family quarantined", error=str(error), url=entry.url)
            seen = self._watch.observe(entry.supplier, entry.a_number, body or b"", is_refused=True)
            aside = refusal(entry, error, body)
            return _Fetched(task, entry, refused=aside, downloaded=body is not None, observation=seen)
        except TransientError as error:
            log.warning("family download failed", error=str(error), url=entry.url)
            return _Fetched(task, entry, error=error)
        seen = self._watch.observe(entry.supplier, entry.a_number, body)
        arrival = Arrival(decoded, entry.supplier_hash, task.payload.get("sync"))
        return _Fetched(task, entry, arrival=arrival, downloaded=True, observation=seen)

    def _write(self, claim: Claim, fetched: Sequence[_Fetched]) -> list[ImportedFamily]:
        """Write the batch; after an error that only one family can have caused, write them one by one."""
        try:
            return self._write_together(claim, fetched)
        except sa.exc.DataError:
            return [family for one in fetched for family in self._write_alone(claim, one)]

    def _write_alone(self, claim: Claim, one: _Fetched) -> list[ImportedFamily]:
        try:
            return self._write_together(claim, [one])
        except sa.exc.DataError as error:
            cause = PermanentError(f"The database refuses {one.task.key}: {error.orig}")
            return self._write_together(claim, [_Fetched(one.task, one.entry, error=cause, downloaded=one.downloaded)])

    def _write_together(self, claim: Claim, fetched: Sequence[_Fetched]) -> list[ImportedFamily]:
        arrivals = [one.arrival for one in fetched if one.arrival]
        with self._database.begin() as connection:
            stored = store_families(connection, arrivals, self._clock())
            set_aside(connection, [one.refused for one in fetched if one.refused])
            self._queue_images(connection, stored, {arrival.decoded.family.a_number: arrival for arrival in arrivals})
            record_observations(connection, [one.observation for one in fetched if one.observation])
            settled = claim.settle(connection, [Outcome(one.task, one.error) for one in fetched])
            imported = _imported(
                fetched, stored, {item.task.key for item in settled if item.state is not TaskState.WAITING}
            )
            _count(connection, fetched, imported)
        return imported

    def _queue_images(
        self, connection: sa.Connection, stored: Sequence[StoredFamily], arrivals: Mapping[str, Arrival]
    ) -> None:
        urls = {
            url: family.family.supplier
            for family in stored
            if family.effect is not Effect.UNCHANGED
            for url in arrivals[family.family.a_number].decoded.images
        }
        missing = connection.execute(_MISSING, {"urls": list(urls)}).scalars()
        self._images.enqueue(connection, [NewTask(url, grouping=urls[url]) for url in missing])


_MISSING = sa.text("""
    SELECT url FROM unnest(CAST(:urls AS text[])) WITH ORDINALITY AS wanted (url, position)
    WHERE NOT EXISTS (SELECT FROM media_source WHERE media_source.url = wanted.url) ORDER BY position
""")


def read_entries(connection: sa.Connection, a_numbers: Sequence[str]) -> dict[str, Entry]:
    """The feed's entry of each family that it lists, by key."""
    stored = sa.case((product_family.c.removed_at.is_(None), product_family.c.supplier_hash))
    statement = (
        sa.select(feed_entry.c.a_number, feed_entry.c.supplier, feed_entry.c.url, feed_entry.c.supplier_hash, stored)
        .outerjoin(product_family, product_family.c.a_number == feed_entry.c.a_number)
        .where(feed_entry.c.a_number == sa.any_(sa.cast(list(a_numbers), sa.ARRAY(sa.Text))))
    )
    return {row[0]: Entry(*row) for row in connection.execute(statement)}


def _imported(fetched: Sequence[_Fetched], stored: Sequence[StoredFamily], final: set[str]) -> list[ImportedFamily]:
    by_key = {family.family.a_number: family for family in stored}
    return [
        ImportedFamily(
            one.task.key,
            one.entry.supplier if one.entry else "",
            by_key.get(one.task.key),
            _problem(one),
            is_final=one.task.key in final,
            is_quarantined=one.refused is not None,
            downloaded=one.downloaded,
        )
        for one in fetched
    ]


def _problem(one: _Fetched) -> str | None:
    if one.refused:
        return one.refused.reason
    return str(one.error) if one.error else None


def _count(connection: sa.Connection, fetched: Sequence[_Fetched], imported: Sequence[ImportedFamily]) -> None:
    steps: dict[int, Counter[str]] = defaultdict(Counter)
    for one, family in zip(fetched, imported, strict=True):
        sync_id = one.task.payload.get("sync")
        if sync_id is None:
            continue
        step = steps[sync_id]
        step["documents"] += one.downloaded
        step["rows_written"] += family.stored.rows_written if family.stored else int(one.refused is not None)
        if family.is_final:
            step[_count_name(one, family)] += 1
    for sync_id, step in sorted(steps.items()):
        count_step(connection, sync_id, SyncStep(**step))


def _count_name(one: _Fetched, family: ImportedFamily) -> str:
    if one.refused:
        return "quarantined"
    if family.stored:
        return family.stored.effect.value
    return "failed" if one.error else "unchanged"
