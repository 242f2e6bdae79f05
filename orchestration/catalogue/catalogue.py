"""The catalogue of one process: its feed, its queues, and the planning of a sync. No Dagster.

It joins reading, planning and the settings. Keep out: draining the queues (`drains`), and when a step runs (`defs`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from orchestration.catalogue.families.images import request_missing_images, request_stale_images
from orchestration.catalogue.families.quarantine import take_out_replaced
from orchestration.catalogue.feed.categories import CategoryTree, parse_categories
from orchestration.catalogue.feed.category_store import CategoryChanges, store_categories
from orchestration.catalogue.feed.plan import PlanOptions, SupplierFeed, plan_supplier
from orchestration.catalogue.feed.problems import FeedFile, category_problems, import_problems, store_problems
from orchestration.catalogue.feed.source import MAX_IMPORT_BYTES, FeedSnapshot, FeedVersion, fetch_feed, open_downloader
from orchestration.catalogue.feed.suppliers import (
    fingerprints,
    inactive_suppliers,
    known_suppliers,
    not_imported,
    stopped_suppliers,
    suppliers_with_families,
)
from orchestration.catalogue.feed.sync_runs import SyncStep, Written, count_written, record_failed_sync
from orchestration.catalogue.feed.watch import FeedCursor, Look, after_change, without_change
from orchestration.catalogue.queues import family_queue, image_queue, rendition_queue
from orchestration.errors import (
    ConfigurationError,
    DatabaseAwayError,
    OrchestrationError,
    TransientError,
)
from orchestration.observability.logs import get_logger
from orchestration.storage.database import limit_statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestration.catalogue.feed.feed import Feed
    from orchestration.catalogue.feed.plan import SupplierPlan
    from orchestration.media.download import Downloader
    from orchestration.services import Services
    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue

log = get_logger()

FEED_SECONDS = 300.0
_NOT_MODIFIED = "The feed answered 'not modified' to a question that named no version; try again"
# How many stored images one audit requests again, those first whose last request is longest ago.
STALE_IMAGES = 20_000


class CategorySync(NamedTuple):
    """A category tree as it was read, and what it changed; `has_file` is False when the feed names no CAT.csv."""

    tree: CategoryTree
    changes: CategoryChanges
    has_file: bool = True


class PlannedSupplier(NamedTuple):
    """A supplier's plan, or why there is none. `sync_id` is also set for a plan that failed and left a row."""

    code: str
    plan: SupplierPlan | None
    problem: str = ""
    sync_id: int | None = None

    @property
    def queued(self) -> tuple[str, ...]:
        """The families that the plan queued."""
        return self.plan.queued if self.plan else ()


class Catalogue:
    """The catalogue of one process. Making one touches nothing."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.settings = services.settings
        self.family_queue = family_queue(services.settings)
        self.image_queue = image_queue(services.settings)
        self.rendition_queue = rendition_queue(services.settings)

    @property
    def queues(self) -> tuple[TaskQueue, ...]:
        """The catalogue's queues, in the order in which work flows through them."""
        return self.family_queue, self.image_queue, self.rendition_queue

    @property
    def database(self) -> Database:
        """The domain's database."""
        return self.services.database

    @property
    def feed_url(self) -> str:
        """The feed's base URL or the URL of its Import.txt; raises `ConfigurationError` when none is set."""
        if not self.settings.promidata_base_url:
            raise ConfigurationError("No feed is set: give PROMIDATA_BASE_URL, or --feed URL")
        return self.settings.promidata_base_url

    def downloader(self, seconds: float) -> Downloader:
        """A downloader for the feed and its images, each within `seconds`."""
        return open_downloader(self.feed_url, self.settings, seconds=seconds)

    async def read_feed(self) -> Feed:
        """Import.txt as it is now."""
        snapshot = await self.read_new_feed(None)
        if snapshot is None:
            raise TransientError(_NOT_MODIFIED)
        return snapshot.feed

    async def read_feed_to_plan(self, codes: Sequence[str] | None) -> Feed:
        """As `read_feed`, for a sync of these suppliers, or of all known ones.

        A failure leaves a failed sync for each of them, and is raised.
        """
        try:
            return await self.read_feed()
        except OrchestrationError as error:
            # At once: before the next attempt there is a wait, which is silent and may be half a minute.
            log.warning("feed not read", error=str(error), attempts=self.settings.supplier_attempts)
            with self.database.begin() as connection:
                known = known_suppliers(connection)
                for code in known if codes is None else sorted({*known} & {*codes}):
                    record_failed_sync(connection, code, SyncStep.READING, str(error))
            raise

    async def read_new_feed(self, known: FeedVersion | None) -> FeedSnapshot | None:
        """Import.txt with its version; None when it is still the known one."""
        async with self.downloader(FEED_SECONDS) as downloader:
            return await fetch_feed(downloader, self.feed_url, known)

    async def sync_categories(self) -> CategorySync:
        """Make the stored category tree equal to CAT.csv. A feed that names none leaves the stored ones as they are."""
        feed = await self.read_feed()
        if feed.categories_url is None:
            return CategorySync(CategoryTree((), ()), CategoryChanges((), (), ()), has_file=False)
        async with self.downloader(FEED_SECONDS) as downloader:
            answer = await downloader.get(feed.categories_url, max_bytes=MAX_IMPORT_BYTES)
        tree = parse_categories(answer.body)
        with self.database.begin() as connection:
            store_problems(connection, FeedFile.CATEGORIES, category_problems(tree))
            changes = store_categories(connection, tree)
        return CategorySync(tree, changes)

    async def look_at_feed(self, cursor: FeedCursor | None, *, is_syncing: bool) -> Look:
        """Look at Import.txt again, for the sensor; `is_syncing` tells that a sync is queued or under way."""
        snapshot = await self.read_new_feed(cursor.version if cursor else None)
        now = datetime.now(UTC)
        if snapshot is not None:
            return after_change(snapshot.version, self.changed_suppliers(snapshot.feed), now)
        if cursor is None:
            raise TransientError(_NOT_MODIFIED)
        with self.database.connect() as connection:
            planned = fingerprints(connection)
        return without_change(cursor, planned, now, is_syncing=is_syncing)

    def changed_suppliers(self, feed: Feed) -> dict[str, str]:
        """The suppliers whose lines differ from those of their last plan, with their fingerprints.

        Those that vanished are among them, and those whose last sync was stopped by hand. Those that are not to be
        imported by themselves are not.
        """
        with self.database.connect() as connection:
            known = fingerprints(connection)
            stopped, excluded = stopped_suppliers(connection), not_imported(connection)
        found = {code: feed.fingerprint(code) for code in {*feed.suppliers, *known} - excluded}
        return {code: new for code, new in found.items() if known.get(code) != new or code in stopped}

    def plan_suppliers(
        self, feed: Feed, codes: Sequence[str] | None = None, *, full: bool = False, allow_mass_removal: bool = False
    ) -> Iterator[PlannedSupplier]:
        """Plan each supplier in a transaction of its own: those of `codes`, or all that are in the feed or stored.

        A supplier that cannot be planned, or not in time, leaves a failed sync; the others are planned all the same.
        """
        settings = self.settings
        options = PlanOptions(
            full, allow_mass_removal, settings.removal_policy, settings.removal_guard_share,
            settings.removal_guard_minimum,
        )  # fmt: skip
        with self.database.begin() as connection:
            store_problems(connection, FeedFile.IMPORT, import_problems(feed))
            stored, excluded = suppliers_with_families(connection), not_imported(connection)
            inactive = inactive_suppliers(connection)
        for code in codes or sorted({*feed.suppliers, *stored} - excluded):
            if code in inactive:
                yield PlannedSupplier(code, None, f"{code} is inactive; `orchestration supplier {code} --active` first")
                continue
            if code not in feed.suppliers and code not in stored:
                yield PlannedSupplier(code, None, f"{code} is neither in the feed nor stored; check the code")
                continue
            yield self._plan(feed, code, options)

    def queue_stale_images(self) -> int:
        """Queue stored images whose last request is long ago, to be requested again by ETag; returns how many."""
        with self.database.begin() as connection:
            return request_stale_images(
                connection, self.image_queue, older_than_days=self.settings.image_revalidate_days, limit=STALE_IMAGES
            )

    def _plan(self, feed: Feed, code: str, options: PlanOptions) -> PlannedSupplier:
        supplier_feed = SupplierFeed(
            code,
            feed.by_supplier().get(code, ()),
            feed.refused(code),
            feed.fingerprint(code),
            feed.damage,
            feed.last_supplier in {code, None},
            feed.sha256,
        )
        try:
            plan = self._plan_patiently(supplier_feed, options)
        except OrchestrationError as error:
            return self._unplanned(code, str(error))
        except Exception as error:  # an error that nobody foresaw is that of its supplier
            log.exception("supplier not planned", supplier=code)
            return self._unplanned(code, f"{type(error).__name__}: {error}")
        return PlannedSupplier(code, plan, sync_id=plan.sync_id)

    def _plan_patiently(self, supplier_feed: SupplierFeed, options: PlanOptions) -> SupplierPlan:
        """Plan, and do so again as often as the settings say when it fails for now."""
        settings = self.settings
        attempts = Retrying(
            stop=stop_after_attempt(settings.supplier_attempts),
            wait=wait_exponential(multiplier=settings.supplier_retry_seconds),
            retry=retry_if_exception(_may_pass),
            reraise=True,
        )
        return attempts(self._plan_once, supplier_feed, options)

    def _plan_once(self, supplier_feed: SupplierFeed, options: PlanOptions) -> SupplierPlan:
        code = supplier_feed.code
        with self.database.begin() as connection:
            limit_statements(connection, self.settings.supplier_timeout_ms)
            plan = plan_supplier(connection, self.family_queue, supplier_feed, options)
            request_missing_images(connection, self.image_queue, code)
            if plan.sync_id is not None:
                rows = take_out_replaced(connection, code, supplier_feed.refused)
                count_written(connection, plan.sync_id, Written(rows_written=rows))
                plan = replace(plan, rows_written=plan.rows_written + rows)
        return plan

    def _unplanned(self, code: str, problem: str) -> PlannedSupplier:
        with self.database.begin() as connection:
            sync_id = record_failed_sync(connection, code, SyncStep.COMPARING, problem)
        return PlannedSupplier(code, None, problem, sync_id)


def _may_pass(error: BaseException) -> bool:
    """Whether to plan a supplier again: without a database there is none to plan, and the whole step waits for it."""
    return isinstance(error, TransientError) and not isinstance(error, DatabaseAwayError)
