"""The catalogue of one process: what it has at hand, and the planning of a feed. No Dagster.

Belongs here: which parts reading and planning are put together from. Does not: working off the queues (`drains`), or
when a step runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from orchestration.catalogue.categories import parse_categories
from orchestration.catalogue.category_store import CategoryChanges, store_categories
from orchestration.catalogue.feed_source import MAX_IMPORT_BYTES, FeedSnapshot, FeedVersion, fetch_feed, open_downloader
from orchestration.catalogue.images import request_stale_images
from orchestration.catalogue.plan import PlanOptions, SupplierFeed, plan_supplier
from orchestration.catalogue.queues import family_queue, image_queue, variant_queue
from orchestration.catalogue.suppliers import fingerprints, suppliers_with_families
from orchestration.catalogue.tally import SyncTally
from orchestration.errors import OrchestrationError, PermanentError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestration.catalogue.categories import CategoryTree
    from orchestration.catalogue.feed import Feed
    from orchestration.catalogue.plan import SupplierPlan
    from orchestration.media.download import Downloader
    from orchestration.services import Services
    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue

FEED_SECONDS = 300.0
# How many images one audit asks for anew, the longest unasked ones first.
STALE_IMAGES = 20_000


class CategorySync(NamedTuple):
    """A category tree as it was read, and what it changed."""

    tree: CategoryTree
    changes: CategoryChanges


class PlannedSupplier(NamedTuple):
    """A supplier's plan, or why there is none."""

    code: str
    plan: SupplierPlan | None
    problem: str = ""

    @property
    def queued(self) -> tuple[str, ...]:
        """The families that the plan queued."""
        return self.plan.queued if self.plan else ()


class Catalogue:
    """The catalogue of one process. `tally` counts what this process has done."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.settings = services.settings
        self.families = family_queue(services.settings)
        self.images = image_queue(services.settings)
        self.variants = variant_queue(services.settings)
        self.tally = SyncTally()

    @property
    def queues(self) -> tuple[TaskQueue, ...]:
        """The catalogue's queues, in the order in which work flows through them."""
        return self.families, self.images, self.variants

    @property
    def database(self) -> Database:
        """The domain's database."""
        return self.services.database

    def downloader(self, seconds: float, per_host: int) -> Downloader:
        """A downloader for the feed and its images, `per_host` at a time, each within `seconds`."""
        return open_downloader(self.services.feed_url, self.settings, seconds=seconds, per_host=per_host)

    async def read_feed(self) -> Feed:
        """Import.txt as it is now."""
        snapshot = await self.read_new_feed(None)
        if snapshot is None:
            raise TransientError("The feed answered 'not modified' to a question that named no version; try again")
        return snapshot.feed

    async def read_new_feed(self, known: FeedVersion | None) -> FeedSnapshot | None:
        """Import.txt with its version; None when it is still the known one."""
        async with self.downloader(FEED_SECONDS, 1) as downloader:
            return await fetch_feed(downloader, self.services.feed_url, known)

    async def sync_categories(self) -> CategorySync:
        """Bring the category tree in step with CAT.csv; raises `PermanentError` when the feed names none."""
        feed = await self.read_feed()
        if feed.categories_url is None:
            raise PermanentError("Import.txt has no line for CAT.csv; the stored categories stay as they are")
        async with self.downloader(FEED_SECONDS, 1) as downloader:
            answer = await downloader.get(feed.categories_url, max_bytes=MAX_IMPORT_BYTES)
        tree = parse_categories(answer.body)
        with self.database.begin() as connection:
            changes = store_categories(connection, tree)
        self.tally.add_categories(changes)
        return CategorySync(tree, changes)

    def changed_suppliers(self, feed: Feed) -> list[str]:
        """The suppliers whose lines differ from those of their last plan, vanished ones among them."""
        with self.database.connect() as connection:
            known = fingerprints(connection)
        return sorted(code for code in {*feed.suppliers, *known} if known.get(code) != feed.fingerprint(code))

    def plan_suppliers(
        self, feed: Feed, codes: Sequence[str] | None = None, *, full: bool = False, allow_mass_removal: bool = False
    ) -> Iterator[PlannedSupplier]:
        """Plan each supplier in a transaction of its own: those of `codes`, or all that the feed or we know.

        One that cannot be planned does not keep the others from it.
        """
        settings = self.settings
        options = PlanOptions(
            full, allow_mass_removal, settings.removal_policy, settings.removal_guard_share,
            settings.removal_guard_minimum,
        )  # fmt: skip
        with self.database.connect() as connection:
            stored = suppliers_with_families(connection)
        for code in codes or sorted({*feed.suppliers, *stored}):
            if code not in feed.suppliers and code not in stored:
                yield PlannedSupplier(code, None, f"{code} is neither in the feed nor stored; check the code")
                continue
            yield self._plan(feed, code, options)

    def queue_stale_images(self) -> int:
        """Queue stored images that were not asked for in a while, to be asked for by ETag; how many."""
        with self.database.begin() as connection:
            return request_stale_images(
                connection, self.images, older_than_days=self.settings.image_revalidate_days, limit=STALE_IMAGES
            )

    def _plan(self, feed: Feed, code: str, options: PlanOptions) -> PlannedSupplier:
        supplier_feed = SupplierFeed(code, feed.by_supplier().get(code, ()), feed.refused(code), feed.fingerprint(code))
        try:
            with self.database.begin() as connection:
                plan = plan_supplier(connection, self.families, supplier_feed, options)
        except OrchestrationError as error:
            return PlannedSupplier(code, None, str(error))
        self.tally.add_plan(plan)
        return PlannedSupplier(code, plan)
