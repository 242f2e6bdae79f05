"""The public mirror of the generation history, as an asset: its queue, its warm drains, its checks.

A change of the history queues a mirror task, which wakes a warm drain at once; a sensor keeps that drain up, and more
beside it while much is queued. Keep out: mirroring itself.
"""

import asyncio
from collections.abc import Iterator
from functools import partial

import dagster as dg
from pydantic import Field

from orchestration.gallery.defs.public_generations_metadata import MirrorReport, of_drift
from orchestration.gallery.drains import drain_mirror
from orchestration.gallery.gallery import Gallery
from orchestration.gallery.reconcile import drifted_items, find_drift, repair
from orchestration.runtime.assets import AssetJob, Pool, asset_job, domain_asset, queue_spec, run_config, with_freshness
from orchestration.runtime.checks import check
from orchestration.runtime.drains import DrainConfig, DrainScale, WarmRuns, drain_sensor, drain_step
from orchestration.runtime.recording import asset_results
from orchestration.runtime.schedules import cron_schedule, longest_gap
from orchestration.work_queue.health import dead_letters, stuck_tasks

# Mirror tasks take milliseconds.
STUCK_SECONDS = 600.0
# A drain that is kept up works for this long, and the next one begins this much earlier.
WARM_SECONDS = float(DrainConfig().max_seconds)
HAND_OVER_SECONDS = 60.0

generation_history = dg.AssetSpec(
    ["gallery", "generation_history"],
    group_name="gallery",
    description="What users have made, with who may see it: the source of truth. Written by the apps that they use.",
    owners=["team:gallery"],
    kinds={"postgres"},
)

mirror_tasks = queue_spec(
    "gallery/mirror_tasks",
    deps=[generation_history],
    description="The queue `mirror`: items whose public side may differ from the history. Filled by triggers, in the "
    "transaction of each change.",
)


class MirrorConfig(DrainConfig):
    """Run config of the mirror. Keys are history ids."""

    repair: bool = Field(default=False, description="First compare all of the mirror with its source, and repair it")


@domain_asset(
    "gallery/public_generations",
    deps=[mirror_tasks],
    description="The public mirror of the history: what everyone may see, with its creator, and nothing else. Kept in "
    "sync by warm drains of its queue.",
    pool=Pool("gallery_mirror", limit=8),
    kinds={"postgres"},
    max_runtime=7_200,
)
def public_generations(
    context: dg.AssetExecutionContext, config: MirrorConfig, gallery: dg.ResourceParam[Gallery]
) -> Iterator[dg.MaterializeResult[None]]:
    """Mirror what is queued, or the items in the run config."""
    report, found = MirrorReport(context, gallery), {}
    with drain_step(context, config) as step:
        if config.repair:
            with gallery.database.begin() as connection:
                drift = find_drift(connection)
                repair(connection, gallery.mirror_queue, drift)
            found = of_drift(drift)
        asyncio.run(drain_mirror(gallery, report.record, step.options, step.keys, report.heartbeat))
        yield from asset_results(found | report.metadata(), report.failures)


@dg.asset_check(
    asset=public_generations,
    description="The mirror shows what the history says, and nothing that is private, deleted or taken down.",
)
def mirror_equals_source(gallery: dg.ResourceParam[Gallery]) -> dg.AssetCheckResult:
    """Compare the two; an error when something is visible that must not be."""
    return check(gallery, drifted_items)


@dg.asset_check(asset=public_generations, description="Every change of the history could be mirrored.")
def no_mirror_task_given_up(gallery: dg.ResourceParam[Gallery]) -> dg.AssetCheckResult:
    """List the dead letters."""
    return check(gallery, partial(dead_letters, queue=gallery.mirror_queue, is_error=True))


@dg.asset_check(
    asset=public_generations,
    description="No change of the history waits or works for long, or was tried again and again.",
)
def no_stuck_tasks(gallery: dg.ResourceParam[Gallery]) -> dg.AssetCheckResult:
    """List the tasks that will hardly end by themselves."""
    return check(gallery, partial(stuck_tasks, queue=gallery.mirror_queue, seconds=STUCK_SECONDS))


CHECKS = [mirror_equals_source, no_mirror_task_given_up, no_stuck_tasks]


def definitions(gallery: Gallery, checks: AssetJob) -> dg.Definitions:
    """The mirror of this gallery; the job `checks` runs after its runs."""
    settings = gallery.settings
    job = asset_job(
        "gallery_mirror",
        public_generations,
        description="Mirror queued items, or those of the keys in the run config.",
        checks=checks,
    )
    scale = DrainScale(settings.mirror_tasks_per_drain, settings.mirror_max_drains, settings.mirror_warm_drains)
    warm = WarmRuns(
        run_config(public_generations, MirrorConfig(idle_seconds=WARM_SECONDS)), WARM_SECONDS - HAND_OVER_SECONDS
    )
    drift = cron_schedule(
        "gallery_drift",
        job,
        settings.gallery_drift_cron,
        variable="ORCHESTRATION_GALLERY_DRIFT_CRON",
        description="Compares the mirror with the history, and mirrors again what differs.",
        run_config=run_config(public_generations, MirrorConfig(repair=True, idle_seconds=None)),
    )
    # The comparison makes the asset too, so it is hardly ever older than that.
    gap = longest_gap(settings.gallery_drift_cron)
    return dg.Definitions(
        assets=[generation_history, mirror_tasks, with_freshness(public_generations, 3 * gap, warn=2 * gap)],
        asset_checks=CHECKS,
        jobs=[job],
        sensors=[
            drain_sensor("gallery_mirror_sensor", job, gallery.services, [gallery.mirror_queue], scale, warm=warm)
        ],
        schedules=[drift],
    )
