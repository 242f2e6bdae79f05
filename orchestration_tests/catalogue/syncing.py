"""A whole sync without Dagster, and what the database holds after it.

It drives planning and drains, and reads tables. Keep out: expectations.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from orchestration.catalogue.drains import import_families, mirror_images
from orchestration.catalogue.feed.plan import Difference
from orchestration.catalogue.feed.sync_runs import SyncCounts, sync_counts
from orchestration.media.fetcher import FetchOutcome, MirroredImage
from orchestration.work_queue.options import DrainOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.catalogue.catalogue import Catalogue, PlannedSupplier
    from orchestration.catalogue.families.images import FamilyImages
    from orchestration.catalogue.families.importer import ImportedFamily
    from orchestration.storage.database import Database

UNTIL_EMPTY = DrainOptions(idle_seconds=None)


def plan(
    catalogue: Catalogue, codes: Sequence[str] | None = None, *, full: bool = False, allow_mass_removal: bool = False
) -> list[PlannedSupplier]:
    """Read the feed and plan."""
    feed = asyncio.run(catalogue.read_feed())
    return list(catalogue.plan_suppliers(feed, codes, full=full, allow_mass_removal=allow_mass_removal))


def import_due(catalogue: Catalogue, keys: Sequence[str] | None = None) -> list[ImportedFamily]:
    """Import what is queued, or these families."""
    imported: list[ImportedFamily] = []
    asyncio.run(import_families(catalogue, imported.extend, UNTIL_EMPTY, keys))
    return imported


def mirror_due(catalogue: Catalogue, keys: Sequence[str] | None = None) -> list[FamilyImages]:
    """Mirror what is queued, or the images of these families."""
    return mirror(catalogue, keys)[1]


def mirror(catalogue: Catalogue, keys: Sequence[str] | None = None) -> tuple[list[MirroredImage], list[FamilyImages]]:
    """As `mirror_due`, with the images that have ended."""
    images: list[MirroredImage] = []
    families: list[FamilyImages] = []
    asyncio.run(mirror_images(catalogue, images.extend, families.extend, UNTIL_EMPTY, keys))
    return [image for image in images if image.is_final], families


class Synced(NamedTuple):
    """What a sync did: the counts of its families that are not zero, of its rows, and its images by outcome."""

    families: dict[str, int]
    counts: SyncCounts
    images: dict[str, int]
    failed_images: dict[str, str]


def sync(catalogue: Catalogue, *, full: bool = False, allow_mass_removal: bool = False) -> Synced:
    """A whole sync."""
    planned = plan(catalogue, full=full, allow_mass_removal=allow_mass_removal)
    import_due(catalogue)
    images, _ = mirror(catalogue)
    plans = [one.plan for one in planned if one.plan and one.plan.sync_id is None]
    with catalogue.database.connect() as connection:
        counts = sync_counts(connection, [one.sync_id for one in planned if one.sync_id is not None])
    families = {
        "added": counts.added,
        "changed": counts.changed + counts.restored,
        "removed": counts.removed,
        "unchanged": counts.unchanged + sum(one.unchanged for one in plans),
        "quarantined": counts.quarantined + sum(one.count(Difference.QUARANTINED) for one in plans),
        "failed": counts.failed,
        "held_back": counts.held_back + sum(one.held_back for one in plans),
    }
    outcomes = Counter(image.outcome.value for image in images)
    failed = {image.url: image.problem or "" for image in images if image.outcome is FetchOutcome.FAILED}
    return Synced({name: count for name, count in families.items() if count}, counts, dict(outcomes), failed)


def rows(database: Database, query: str, **values: object) -> list[Any]:
    """The rows of a query; single columns as plain values."""
    with database.connect() as connection:
        found = connection.execute(sa.text(query), values).all()
    return [row[0] if len(row) == 1 else tuple(row) for row in found]


# Times, and ids that say nothing but in what order things were written.
_VOLATILE = {
    "id", "sync_id", "at", "started_at", "finished_at", "synced_at", "stored_at", "checked_at", "discovered_at",
    "since", "seen_at", "removed_at", "deleted_at", "enqueued_at", "run_at", "sort_at", "claimed_at", "lease_until",
    "worker", "documents_seen", "token", "attempt", "crashes", "etag", "last_modified",
}  # fmt: skip
TABLES = (
    "supplier", "category", "feed_entry", "product_family", "product_variant", "family_image", "change", "quarantine",
    "media", "media_source", "document_shape", "drift",
)  # fmt: skip


def contents(database: Database) -> dict[str, list[str]]:
    """What every table of the catalogue says, apart from times and ids, in an order of its own."""
    found = {}
    for table in TABLES:
        query = f"SELECT to_jsonb(t) - CAST(:volatile AS text[]) FROM {table} AS t"  # noqa: S608 - names from above
        found[table] = sorted(str(sorted(row.items())) for row in rows(database, query, volatile=list(_VOLATILE)))
    return found
