"""What a collection did, as plain values for programs and for the run's metadata.

Keep out: its form for people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestration.canvas.media_gc.model import Collection


def summary(collection: Collection) -> dict[str, Any]:
    """A collection for programs; what a dry run would mark and delete stands where a real run's doings do."""
    plan, result = collection.plan, collection.result
    planned = [medium.media_id for medium in plan.deletions]
    planned += [tombstone.medium for tombstone in plan.unsettled if tombstone.medium]
    return {
        "collection": collection.run_id,
        "dry_run": collection.is_dry_run,
        "refused": plan.why_held_back or None,
        "media": collection.survey.census.media,
        "media_bytes": collection.survey.census.bytes,
        "places": dict(collection.survey.census.places),
        "counts_repaired": len(plan.drift),
        "revived": [medium.media_id for medium in plan.revived],
        "marked": result.marked if result else [medium.media_id for medium in plan.marks],
        "deleted": result.deleted if result else planned,
        "orphans": result.orphans if result else [orphan.storage_path for orphan in plan.orphans],
        "unshown": result.unshown if result else [image.content_hash for image in plan.unshown],
        "bytes": result.freed if result else plan.freed,
        "skipped": result.skipped if result else plan.skipped,
        "failed": result.failed if result else {},
        "left": result.left if result else plan.left,
        "seconds": (collection.finished_at - collection.started_at).total_seconds(),
    }
