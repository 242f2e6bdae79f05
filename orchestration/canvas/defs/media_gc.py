"""The collection of canvas media, as an asset: what it does, when it runs, what it shows, and what stands wrong.

Keep out: collecting.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from pydantic import Field

from orchestration.canvas.media_gc import health
from orchestration.canvas.media_gc.collector import CollectOptions, MediaGarbageCollector
from orchestration.canvas.media_gc.model import Collection, Guard, Medium
from orchestration.canvas.media_gc.summary import summary
from orchestration.observability.logs import about
from orchestration.runtime.assets import AssetJob, Pool, asset_job, domain_asset, with_freshness
from orchestration.runtime.checks import check, check_result
from orchestration.runtime.failures import step_failures
from orchestration.runtime.metadata import markdown_table
from orchestration.runtime.schedules import cron_schedule, longest_gap
from orchestration.runtime.shutdown import GracefulShutdown

media_files = dg.AssetSpec(
    ["canvas", "media_files"],
    group_name="canvas",
    description="The images, videos and sounds on canvases: uploaded by their users, or generated for them.",
    owners=["team:canvas"],
    kinds={"s3", "postgres"},
)


class CollectConfig(dg.Config):
    """Run config of a collection; null is what the settings say."""

    dry_run: bool = Field(default=False, description="Decide, show, and change nothing")
    ttl_days: float | None = Field(default=None, description="Media younger than this are left alone")
    max_items: int | None = Field(default=None, description="Media that are marked, and deleted, at most")
    allow: list[str] = Field(
        default=[],
        description="Go on although these guards speak against it: references, source, bucket, share, orphans",
    )
    force: bool = Field(default=False, description="Go on although any guard speaks against it")

    @property
    def options(self) -> CollectOptions:
        """The options of the collection."""
        allowed = tuple(Guard) if self.force else tuple(self.allow)
        return CollectOptions(self.dry_run, self.ttl_days, self.max_items, allowed)


@domain_asset(
    "canvas/media_gc",
    deps=[
        media_files,
        dg.AssetKey(["canvas", "snapshots"]),
        dg.AssetKey(["gallery", "public_generations"]),
    ],
    description="Media that nothing refers to are marked, and deleted when their grace is over: not a row or an object "
    "that an element, a snapshot, a project or a generation names.",
    pool=Pool("canvas_collect", limit=1),  # two collections would count each other's deletions against their limits
    kinds={"s3", "postgres"},
    max_runtime=7_200,
)
def media_gc(
    context: dg.AssetExecutionContext, config: CollectConfig, media: dg.ResourceParam[MediaGarbageCollector]
) -> dg.MaterializeResult[None]:
    """Collect once; fails when a guard refuses it."""
    with GracefulShutdown() as stop, step_failures(), about(run=context.run.run_id):
        collection = media.collect(config.options, lambda: stop.is_requested)
        if collection.plan.refused and not config.dry_run:
            raise dg.Failure(collection.plan.refused, metadata=of_collection(collection), allow_retries=False)
        return dg.MaterializeResult(metadata=of_collection(collection))


def of_collection(collection: Collection) -> dict[str, Any]:
    """What operators read beside a collection: counts, bytes, ids and reasons.

    No pictures: what a user has taken back must not live on in the records of runs.
    """
    survey, plan, result = collection.survey, collection.plan, collection.result
    shown: dict[str, Any] = {
        "summary": dg.MetadataValue.json(summary(collection)),
        "collection": collection.run_id,
        "dry_run": collection.is_dry_run,
        "media": survey.census.media,
        "media_bytes": survey.census.bytes,
        "bucket_bytes": survey.bucket.bytes,
        "difference_bytes": survey.bucket.difference,
        "places": sum(survey.census.places.values()),
        "counts_repaired": len(plan.drift),
        "candidates": survey.census.candidate_total,
        "marked": len(plan.marks if result is None else result.marked),
        "revived": len(plan.revived),
        "deleted": len(plan.deletions if result is None else result.deleted),
        "orphans": len(plan.orphans if result is None else result.orphans),
        "unshown_images": len(plan.unshown if result is None else result.unshown),
        "freed_bytes": plan.freed if result is None else result.freed,
        "skipped": len(plan.skipped if result is None else result.skipped),
        "failed": 0 if result is None else len(result.failed),
        "left_for_next": plan.left if result is None else result.left,
        "seconds": (collection.finished_at - collection.started_at).total_seconds(),
    }
    shown |= {name: dg.MetadataValue.md(table) for name, table in _tables(collection).items()}
    return shown | {
        name: text for name in ("refused", "orphans_refused", "unshown_refused") if (text := getattr(plan, name))
    }


def _tables(collection: Collection) -> dict[str, str]:
    """The sources, the first media that are marked and that go, and why others stay; without empty tables."""
    plan, result = collection.plan, collection.result
    reasons: Mapping[str, str] = plan.skipped if result is None else {**result.skipped, **result.failed}
    orphans = [(one.storage_path, one.bytes, one.seen_at) for one in plan.orphans]
    tables: dict[str, tuple[Sequence[str], Sequence[Sequence[object]]]] = {
        "references": (("source", "places"), list(collection.survey.census.places.items())),
        "newly_marked": (_OF_MEDIA, _media_rows(plan.marks)),
        "going": (_OF_MEDIA, _media_rows(plan.deletions)),
        "orphaned_objects": (("object", "bytes", "seen"), orphans),
        "reasons": (("medium", "why it stays"), list(reasons.items())),
    }
    return {name: markdown_table(columns, rows) for name, (columns, rows) in tables.items() if rows}


_OF_MEDIA = ("medium", "object", "bytes", "rows of the object")


def _media_rows(media: Sequence[Medium]) -> list[Sequence[object]]:
    return [(one.media_id, one.storage_path, one.bytes, one.sharers) for one in media]


@dg.asset_check(
    asset=media_gc, description="No stored count would let an old medium that is in use be taken for garbage."
)
def reference_counts_are_true(media: dg.ResourceParam[MediaGarbageCollector]) -> dg.AssetCheckResult:
    """Count the references again."""
    return check_result(health.misleading_counts(media))


@dg.asset_check(
    asset=media_gc, description="Every medium has its object and every object its medium, of the same size."
)
def bucket_equals_database(media: dg.ResourceParam[MediaGarbageCollector]) -> dg.AssetCheckResult:
    """Compare the two."""
    return check_result(health.bucket_differences(media))


@dg.asset_check(asset=media_gc, description="Nothing refers to a medium that is marked for deletion.")
def nothing_live_is_marked(media: dg.ResourceParam[MediaGarbageCollector]) -> dg.AssetCheckResult:
    """List the media that are marked and in use."""
    return check_result(health.live_media_marked(media))


@dg.asset_check(asset=media_gc, description="No guard refused the last collection.")
def collection_was_not_refused(media: dg.ResourceParam[MediaGarbageCollector]) -> dg.AssetCheckResult:
    """Look at the last collection."""
    return check(media, health.refused_collections)


CHECKS = [reference_counts_are_true, bucket_equals_database, nothing_live_is_marked, collection_was_not_refused]


def definitions(media: MediaGarbageCollector, checks: AssetJob) -> dg.Definitions:
    """The collection by this collector; the job `checks` runs after its runs."""
    job = asset_job(
        "canvas_collect",
        media_gc,
        description="Mark media that nothing refers to, and delete those whose grace is over.",
        checks=checks,
    )
    schedule = cron_schedule(
        "canvas_media_collection",
        job,
        media.settings.gc_cron,
        variable="ORCHESTRATION_GC_CRON",
        description="Collects the canvas media that nothing refers to.",
    )
    gap = longest_gap(media.settings.gc_cron)
    collected = with_freshness(media_gc, 2 * gap, warn=1.25 * gap)
    return dg.Definitions(assets=[media_files, collected], asset_checks=CHECKS, jobs=[job], schedules=[schedule])
