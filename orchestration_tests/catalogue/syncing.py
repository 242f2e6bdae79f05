"""A whole sync without Dagster, and what the database holds after it.

Belongs here: driving the pipeline, reading tables. Does not: expectations.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from orchestration.catalogue.drains import import_families, mirror_images
from orchestration.catalogue.tally import SyncTally
from orchestration.work_queue.running import DrainEnd
from orchestration.work_queue.stopping import StopSignal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.catalogue.images import FamilyImages
    from orchestration.catalogue.importer import ImportedFamily
    from orchestration.catalogue.pipeline import Catalogue, PlannedSupplier
    from orchestration.storage.database import Database


def plan(
    catalogue: Catalogue, codes: Sequence[str] | None = None, *, full: bool = False, allow_mass_removal: bool = False
) -> list[PlannedSupplier]:
    """Read the feed and plan."""
    feed = asyncio.run(catalogue.read_feed())
    return list(catalogue.plan_suppliers(feed, codes, full=full, allow_mass_removal=allow_mass_removal))


def import_due(catalogue: Catalogue, keys: Sequence[str] | None = None) -> list[ImportedFamily]:
    """Import what is queued, or these families."""
    heard: list[ImportedFamily] = []
    asyncio.run(import_families(catalogue, heard.extend, DrainEnd(StopSignal()), keys))
    return heard


def mirror_due(catalogue: Catalogue, keys: Sequence[str] | None = None) -> list[FamilyImages]:
    """Mirror what is queued, or the images of these families."""
    heard: list[FamilyImages] = []
    asyncio.run(mirror_images(catalogue, heard.extend, DrainEnd(StopSignal()), keys))
    return heard


def sync(catalogue: Catalogue, *, full: bool = False, allow_mass_removal: bool = False) -> SyncTally:
    """A whole sync; its own tally."""
    catalogue.tally = SyncTally()
    plan(catalogue, full=full, allow_mass_removal=allow_mass_removal)
    import_due(catalogue)
    mirror_due(catalogue)
    return catalogue.tally


def families_of(tally: SyncTally) -> dict[str, int]:
    """The counts of families that are not zero."""
    families: Any = tally.summary(0)["families"]
    return {name: count for name, count in families.items() if count}


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
