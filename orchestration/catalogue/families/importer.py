"""Importing families: documents are downloaded, decoded and written in batches.

It follows a batch of family tasks from the queue to the database. Keep out: which families are due (`plan`), what a
document means (`decode`), how rows are written (`store`).

One transaction carries a round: families, quarantined documents, the sync's counts and the ends of the tasks. A worker
that is killed, or that lost its claim, leaves nothing of the round behind, and its tasks run again elsewhere.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.catalogue.documents.decode import decode_family
from orchestration.catalogue.documents.faults import DocumentError
from orchestration.catalogue.drift.drift import record_observations, record_oddities
from orchestration.catalogue.families.quarantine import Quarantined, refusal, set_aside
from orchestration.catalogue.families.store import Arrival, Effect, StoredFamily, store_families
from orchestration.catalogue.feed.entries import read_entries
from orchestration.catalogue.feed.sync_items import settle_families
from orchestration.catalogue.feed.sync_runs import Written, count_written
from orchestration.errors import OrchestrationError, PermanentError
from orchestration.observability.logs import about, get_logger
from orchestration.work_queue.claim import TaskHandler
from orchestration.work_queue.model import NewTask, Outcome, TaskCancelledError, TaskState
from orchestration.work_queue.rounds import settle_in_rounds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestration.catalogue.drift.drift import DriftWatch, Observation
    from orchestration.catalogue.feed.entries import Entry
    from orchestration.media.download import Downloader
    from orchestration.storage.database import Database
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Settled, Task
    from orchestration.work_queue.queue import TaskQueue

log = get_logger()

# A family that was cancelled on request has not ended: it is as it was, and the next sync goes on with it.
_ENDED = (TaskState.COMPLETED, TaskState.DEAD)


class ImportedFamily(NamedTuple):
    """What happened to one family task.

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


class _Fetched(NamedTuple):
    """One task after its download: an arrival, a document to quarantine, an error, or nothing to do."""

    task: Task
    entry: Entry | None
    arrival: Arrival | None = None
    refused: Quarantined | None = None
    error: Exception | None = None
    downloaded: bool = False
    observation: Observation | None = None


class FamilyHandler(TaskHandler[ImportedFamily]):
    """Handles claims of the family queue; its results are imported families."""

    def __init__(
        self,
        database: Database,
        downloader: Downloader,
        images: TaskQueue,
        watch: DriftWatch,
        *,
        max_document_bytes: int,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._downloader = downloader
        self._images = images
        self._watch = watch
        self._max_bytes = max_document_bytes
        self._clock = clock

    async def handle(self, claim: Claim[ImportedFamily]) -> None:
        """Import a batch.

        A document that cannot be used is set aside. A download that fails for now is tried again; one that is refused
        ends the task, and the next sync asks again.
        """
        entries = await asyncio.to_thread(self._entries, [task.key for task in claim.tasks])

        def failed(task: Task, error: Exception) -> _Fetched:
            return _Fetched(task, entries.get(task.key), error=error)

        try:
            await settle_in_rounds(
                claim, lambda task: self._fetch(task, entries.get(task.key)), partial(self._write, claim), failed
            )
        except BaseException:
            self._watch.forget()
            raise

    def failure(self, settled: Settled) -> ImportedFamily:
        """The family of a task that failed unexpectedly."""
        task = settled.task
        is_final = settled.state is not TaskState.WAITING
        return ImportedFamily(task.key, task.grouping or "", problem=str(settled.error), is_final=is_final)

    def record_failures(self, connection: sa.Connection, failures: Sequence[Settled]) -> None:
        """Count such families in the syncs that wait for them."""
        settle_families(connection, _outcomes([self.failure(one) for one in failures]))

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
        try:
            body = (await self._downloader.get(entry.url, max_bytes=self._max_bytes)).body
        except OrchestrationError as error:
            log.warning("family download failed", error=str(error), url=entry.url)
            return _Fetched(task, entry, error=error)
        try:
            decoded = decode_family(body, a_number=entry.a_number, supplier=entry.supplier, url=entry.url)
        except DocumentError as error:
            log.warning("family quarantined", error=str(error), url=entry.url)
            seen = self._watch.observe(entry.supplier, entry.a_number, body, is_refused=True)
            return _Fetched(task, entry, refused=refusal(entry, error, body), downloaded=True, observation=seen)
        seen = self._watch.observe(entry.supplier, entry.a_number, body)
        allow = bool(task.payload.get("allow_mass_removal"))
        arrival = Arrival(decoded, entry.supplier_hash, task.payload.get("sync"), allow)
        return _Fetched(task, entry, arrival=arrival, downloaded=True, observation=seen)

    def _write(self, claim: Claim[ImportedFamily], fetched: Sequence[_Fetched]) -> None:
        arrivals = [one.arrival for one in fetched if one.arrival]
        with claim.transaction() as connection:
            stored = store_families(connection, arrivals, self._clock())
            set_aside(connection, [one.refused for one in fetched if one.refused])
            images = self._queue_images(connection, stored, arrivals)
            record_observations(connection, [one.observation for one in fetched if one.observation])
            record_oddities(connection, [(one.family, one.oddities) for one in stored])
            settled = claim.settle(connection, [Outcome(one.task, one.error) for one in fetched])
            imported = _imported(fetched, stored, {item.task.key for item in settled if item.state in _ENDED})
            settle_families(connection, _outcomes(imported), images)
            _count(connection, fetched, imported)
        for one, family in zip(fetched, imported, strict=True):
            if not isinstance(one.error, TaskCancelledError):  # its sync was stopped, and nobody waits for it
                claim.report(one.task, family)

    def _queue_images(
        self, connection: sa.Connection, stored: Sequence[StoredFamily], arrivals: Sequence[Arrival]
    ) -> dict[str, list[str]]:
        """Queue the images of changed families that are not stored yet; their URLs by family."""
        changed = {one.family.a_number: one.family.supplier for one in stored if one.effect is not Effect.UNCHANGED}
        shown = {arrival.decoded.family.a_number: arrival.decoded.images for arrival in arrivals}
        suppliers = {url: changed[a_number] for a_number in changed for url in shown[a_number]}
        missing = connection.execute(_MISSING, {"urls": list(suppliers)}).scalars().all()
        self._images.enqueue(connection, [NewTask(url, grouping=suppliers[url]) for url in missing])
        queued = set(missing)
        return {a_number: [url for url in shown[a_number] if url in queued] for a_number in changed}


_MISSING = sa.text("""
    SELECT url FROM unnest(CAST(:urls AS text[])) WITH ORDINALITY AS wanted (url, position)
    WHERE NOT EXISTS (SELECT FROM media_source WHERE media_source.url = wanted.url) ORDER BY position
""")


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
    """Count what the batch downloaded and wrote, in the sync that asked for it."""
    written: dict[int, Counter[str]] = defaultdict(Counter)
    for one, family in zip(fetched, imported, strict=True):
        if (sync_id := one.task.payload.get("sync")) is not None:
            counts = written[sync_id]
            counts["documents"] += one.downloaded
            counts["variants"] += family.stored.variant_count if family.stored else 0
            counts["rows_written"] += family.stored.rows_written if family.stored else int(one.refused is not None)
    for sync_id, counts in sorted(written.items()):
        count_written(connection, sync_id, Written(**counts))


def _outcomes(imported: Sequence[ImportedFamily]) -> dict[str, str]:
    """The name of the count, by family, of each family that has ended."""
    return {family.a_number: _count_name(family) for family in imported if family.is_final}


def _count_name(family: ImportedFamily) -> str:
    if family.is_quarantined:
        return "quarantined"
    if family.stored:
        return family.stored.effect.value
    return "failed" if family.problem else "unchanged"
