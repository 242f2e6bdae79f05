"""From preview jobs to videos: the asset `previews/artifacts`, with its queue, checks, job and sensor.

The sensor keeps as many drains up as the queue asks for. Keep out: the rendering (`orchestration.previews.drains`), and
the form of what a run records (`artifacts_metadata`).
"""

import asyncio
from collections.abc import Iterator
from functools import partial

import dagster as dg

from orchestration.previews import health
from orchestration.previews.defs.artifacts_metadata import PreviewReport
from orchestration.previews.drains import render_previews
from orchestration.previews.previews import Previews
from orchestration.runtime.assets import AssetJob, Pool, asset_job, domain_asset, queue_spec
from orchestration.runtime.checks import check
from orchestration.runtime.drains import DrainConfig, DrainScale, drain_sensor, drain_step
from orchestration.runtime.recording import asset_results
from orchestration.work_queue.health import stuck_tasks

# A preview takes seconds, and minutes at most.
STUCK_SECONDS = 1_800.0

preview_requests = dg.AssetSpec(
    ["previews", "preview_requests"],
    group_name="previews",
    description="What programs ask to be previewed: steps, pictures, sound. Sent to the API or by command.",
    owners=["team:previews"],
    kinds={"json"},
)

preview_tasks = queue_spec(
    "previews/preview_tasks",
    deps=[preview_requests],
    description="The queue of preview jobs. Filled by the intake of jobs, in the transaction that remembers each.",
)


@domain_asset(
    "previews/artifacts",
    pool=Pool("previews_render", 4),
    kinds={"mp4", "postgres"},
    max_runtime=7_200,
    deps=[preview_tasks],
    description="Videos of preview jobs with poster, captions and proof, under content-addressed keys. A job is "
    "complete when what was made has been measured and is what was planned.",
)
def artifacts(
    context: dg.AssetExecutionContext, config: DrainConfig, previews: dg.ResourceParam[Previews]
) -> Iterator[dg.MaterializeResult[None]]:
    """Render the jobs that are due."""
    report = PreviewReport(context, previews)
    with drain_step(context, config) as step:
        asyncio.run(render_previews(previews, report.record, step.options, step.keys, report.heartbeat))
        yield from asset_results(report.metadata(), report.failures)


@dg.asset_check(asset=artifacts, description="Every preview could be rendered.")
def no_preview_given_up(previews: dg.ResourceParam[Previews]) -> dg.AssetCheckResult:
    """Look for jobs that failed for good."""
    return check(previews, health.failed_jobs)


@dg.asset_check(asset=artifacts, description="No job of the last day was refused for its payload or its assets.")
def no_preview_invalid(previews: dg.ResourceParam[Previews]) -> dg.AssetCheckResult:
    """Look for jobs that cannot be rendered."""
    return check(previews, health.invalid_jobs)


@dg.asset_check(asset=artifacts, description="Every file of every completed job is in the object store, whole.")
def every_artifact_is_stored(previews: dg.ResourceParam[Previews]) -> dg.AssetCheckResult:
    """Compare the files of the jobs with the object store."""
    return check(previews, lambda connection: health.missing_artifacts(connection, previews.services.objects))


@dg.asset_check(asset=artifacts, description="No job waits or is rendered for long, or was tried again and again.")
def no_stuck_previews(previews: dg.ResourceParam[Previews]) -> dg.AssetCheckResult:
    """List the tasks that will hardly end by themselves."""
    return check(previews, partial(stuck_tasks, queue=previews.preview_queue, seconds=STUCK_SECONDS))


CHECKS = [no_preview_given_up, no_preview_invalid, every_artifact_is_stored, no_stuck_previews]


def definitions(previews: Previews, checks: AssetJob) -> dg.Definitions:
    """What renders previews; the job `checks` runs after each run."""
    job = asset_job(
        "previews_render",
        artifacts,
        description="Render the preview jobs that are due, or wait for those of the keys in the run config.",
        checks=checks,
    )
    settings = previews.settings
    scale = DrainScale(settings.preview_concurrency * 4, settings.preview_max_drains)
    return dg.Definitions(
        assets=[preview_requests, preview_tasks, artifacts],
        asset_checks=CHECKS,
        jobs=[job],
        sensors=[
            drain_sensor(
                "previews_jobs_sensor",
                job,
                previews.services,
                [previews.preview_queue],
                scale,
                before=previews.end_cancelled_jobs,
            )
        ],
    )
