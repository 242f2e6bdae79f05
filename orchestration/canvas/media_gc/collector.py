"""The media collection of one process: one collection from beginning to end. No Dagster.

It puts a collection together from its parts. Keep out: the parts, and when one runs.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from orchestration.canvas.media_gc.bucket import read_bucket
from orchestration.canvas.media_gc.engine import execute
from orchestration.canvas.media_gc.model import Collection, Guard, Limits, Rules
from orchestration.canvas.media_gc.plan import make_plan
from orchestration.canvas.media_gc.references import CANVAS_SOURCES
from orchestration.canvas.media_gc.runs import Undone, finish_run, start_run, undo_run
from orchestration.canvas.media_gc.store import MediaStore, one_collection
from orchestration.errors import ConfigurationError
from orchestration.observability.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestration.canvas.media_gc.model import Bucket
    from orchestration.canvas.media_gc.references import ReferenceSource
    from orchestration.services import Services
    from orchestration.settings import Settings
    from orchestration.storage.database import Database

log = get_logger()


class CollectOptions(NamedTuple):
    """What a collection was asked for; None is what the settings say. `allow` names guards that are overruled."""

    dry_run: bool = False
    ttl_days: float | None = None
    max_items: int | None = None
    allow: tuple[str, ...] = ()


NO_OPTIONS = CollectOptions()


class MediaGarbageCollector:
    """Collects the canvas media that nothing refers to, and the mirrored images that nothing shows.

    `references` are sources of other domains, `shown` SELECTs of `url`: the images that something shows.
    """

    def __init__(
        self,
        services: Services,
        references: Sequence[ReferenceSource] = (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        shown: Sequence[str] = (),
    ) -> None:
        self.services = services
        self.settings = services.settings
        self.sources = (*CANVAS_SOURCES, *references)
        self.clock = clock
        self._shown = shown

    @property
    def database(self) -> Database:
        """The domain's database."""
        return self.services.database

    def collect(self, options: CollectOptions = NO_OPTIONS, stopping: Callable[[], bool] = lambda: False) -> Collection:
        """Look at all media, mark those that nothing refers to, delete those whose grace is over.

        A dry run decides the same and does nothing. Raises `TransientError` when another collection is at work, or the
        database or the object store does not answer; what goes wrong with single media is in the result.
        """
        rules = rules_of(self.settings, options)
        with one_collection(self.database):
            started_at = self.clock()
            with self.database.begin() as connection:
                run_id = start_run(connection, rules, started_at, dry_run=options.dry_run)
            store = MediaStore(self.database, self.services.objects, self.sources, run_id, self._shown)
            survey = store.survey(started_at, rules.ttl, rules.limits.items)
            plan = make_plan(survey, rules, started_at)
            result = None if options.dry_run else execute(store, plan, rules, self.clock, stopping)
            collection = Collection(run_id, options.dry_run, started_at, self.clock(), rules, survey, plan, result)
            with self.database.begin() as connection:
                finish_run(connection, collection)
        _log(collection)
        return collection

    def undo(self, run_id: int) -> Undone:
        """Keep what a collection has marked, as far as it is not deleted yet."""
        with self.database.begin() as connection:
            undone = undo_run(connection, run_id, self.clock())
        log.info("collection undone", run_id=run_id, kept=len(undone.kept), deleted=len(undone.deleted))
        return undone

    def reconcile(self) -> Bucket:
        """Compare database and bucket; changes nothing."""
        return read_bucket(self.database, self.services.objects)


def rules_of(settings: Settings, options: CollectOptions) -> Rules:
    """The rules of a collection; raises `ConfigurationError` for options that make no sense."""
    ttl_days = settings.gc_ttl_days if options.ttl_days is None else options.ttl_days
    items = settings.gc_max_items if options.max_items is None else options.max_items
    if ttl_days <= 0 or items < 1:
        raise ConfigurationError(f"A TTL of {ttl_days} days and {items} items make no collection; both must be above 0")
    limits = Limits(
        items=items,
        bytes=settings.gc_max_bytes,
        time=timedelta(minutes=settings.gc_max_minutes),
        share=settings.gc_max_share,
        batch=settings.gc_batch,
        minimum=settings.gc_guard_minimum,
    )
    return Rules(timedelta(days=ttl_days), timedelta(hours=settings.gc_grace_hours), limits, _guards(options.allow))


def _guards(names: Sequence[str]) -> frozenset[Guard]:
    """The guards of these names; raises `ConfigurationError` for one that there is not."""
    unknown = set(names) - set(Guard)
    if unknown:
        raise ConfigurationError(f"There is no guard {', '.join(sorted(unknown))}; there are {', '.join(Guard)}")
    return frozenset(map(Guard, names))


def _log(collection: Collection) -> None:
    plan, result = collection.plan, collection.result
    if plan.refused:
        log.warning("media collection refused", run_id=collection.run_id, reason=plan.refused)
    elif result is not None:
        log.info(
            "media collected",
            run_id=collection.run_id,
            marked=len(result.marked),
            deleted=len(result.deleted),
            bytes=result.freed,
            failed=len(result.failed),
        )
