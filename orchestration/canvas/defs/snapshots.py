"""Snapshots of canvas projects, as an asset: when they are made, what a run shows, and what stands wrong.

They are made every few hours, and as soon as a project has many new operations. Keep out: saving itself, and media
(`media_gc`).
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import dagster as dg
import msgspec
from pydantic import Field

from orchestration.canvas import health
from orchestration.canvas.canvas import Canvas
from orchestration.canvas.saving import SaveOptions, SaveReport, Unfinished
from orchestration.observability.logs import about
from orchestration.runtime.assets import AssetJob, Pool, asset_job, domain_asset, with_freshness
from orchestration.runtime.checks import check
from orchestration.runtime.failures import step_failures
from orchestration.runtime.metadata import markdown_table
from orchestration.runtime.partitions import count_unfinished
from orchestration.runtime.recording import asset_results
from orchestration.runtime.schedules import cron_schedule
from orchestration.runtime.shutdown import GracefulShutdown

INTERVAL_SECONDS = 30
# A project that is still due after a run was requested is requested again, but not at every look.
AGAIN_SECONDS = 300.0
# As many as are shown in place: Dagster hides Markdown of more than 1,000 characters behind a link.
SHOWN_PROJECTS = 12
SHOWN_REASONS = 8
LONGEST_REASON = 80

Metadata = dict[str, Any]

projects = dg.AssetSpec(
    ["canvas", "projects"],
    group_name="canvas",
    description="Canvas projects: their elements, and the log of operations that has led to them. Made by the users.",
    owners=["team:canvas"],
    kinds={"postgres"},
)


class SnapshotConfig(dg.Config):
    """Run config of the snapshots: which projects, how many, and whether it only reports."""

    limit: int | None = Field(default=None, ge=1, description="Snapshots that this run makes at most; null: no limit")
    projects: list[str] = Field(
        default=[], description="Save these, due or not, when anything in them is new; empty: all that are due"
    )
    dry_run: bool = Field(default=False, description="Report what would be saved and thinned, and change nothing")
    max_seconds: float = Field(default=3_300.0, gt=0, description="When the run ends in any case")


@domain_asset(
    "canvas/snapshots",
    deps=[projects],
    description="Canvas projects saved whole, so that they load fast: after so many operations or hours, whichever "
    "comes first. Older snapshots are thinned to one a day, then one a week.",
    pool=Pool("canvas_snapshot", limit=1),
    kinds={"postgres"},
    max_runtime=3_600,
)
def snapshots(
    context: dg.AssetExecutionContext, config: SnapshotConfig, canvas: dg.ResourceParam[Canvas]
) -> Iterator[dg.MaterializeResult[None]]:
    """Save the projects that are due."""
    options = SaveOptions(config.limit, config.projects, config.dry_run)
    with GracefulShutdown() as stop, step_failures(), about(run=context.run.run_id):
        report = canvas.save_due(options, stop=stop, max_seconds=config.max_seconds)
        yield from asset_results(of_snapshots(report), {one.project_id: one.reason for one in report.errors})


def of_snapshots(report: SaveReport) -> Metadata:
    """A run's counts, its first projects, and why others were left."""
    shown: Metadata = {
        "summary": dg.MetadataValue.json(report.summary()),
        "processed": report.processed,
        "created": len(report.created),
        "skipped": len(report.skipped),
        "errors": len(report.errors),
        "bytes": report.bytes,
        "thinned": report.thinned,
        "dry_run": report.dry_run,
    }
    rows = [(one.project_id, one.op_index, one.element_count, one.bytes) for one in report.created]
    tables: dict[str, tuple[tuple[str, ...], Sequence[tuple[object, ...]]]] = {
        "projects": (("project", "last operation", "elements", "bytes"), rows[:SHOWN_PROJECTS]),
        "skipped_because": (("project", "has"), _reasons(report.skipped)),
        "failed_because": (("project", "why"), _reasons(report.errors)),
    }
    for name, (columns, table) in tables.items():
        if table:
            shown[name] = dg.MetadataValue.md(markdown_table(columns, table))
    return shown


def _reasons(unfinished: Sequence[Unfinished]) -> list[tuple[str, str]]:
    return [(one.project_id, one.reason[:LONGEST_REASON]) for one in unfinished[:SHOWN_REASONS]]


@dg.asset_check(asset=snapshots, description="Every snapshot holds what was written.")
def no_snapshot_is_corrupt(canvas: dg.ResourceParam[Canvas]) -> dg.AssetCheckResult:
    """Verify the newest snapshots."""
    return check(canvas, health.corrupt_snapshots)


@dg.asset_check(asset=snapshots, description="No project has been due for a snapshot for long.")
def snapshots_are_up_to_date(canvas: dg.ResourceParam[Canvas]) -> dg.AssetCheckResult:
    """List the overdue projects."""
    return check(canvas, lambda connection: health.overdue_projects(connection, canvas.policy.due, canvas.clock()))


@dg.asset_check(
    asset=snapshots,
    description="A few projects, chosen at random each time, load as a full replay of their log makes them.",
)
def replay_equals_load(canvas: dg.ResourceParam[Canvas]) -> dg.AssetCheckResult:
    """Replay a few projects."""
    return check(canvas, health.differing_projects)


CHECKS = [no_snapshot_is_corrupt, snapshots_are_up_to_date, replay_equals_load]


class LastRequest(NamedTuple):
    """Whether a run is worth while, and when each due project was last asked for."""

    is_new: bool
    at: dict[str, float]


def look(due: list[str], before: dict[str, float], now: float) -> LastRequest:
    """Whether any of the due projects was not asked for a short while ago; those that are due no more are forgotten.

    `before` and `now` are in seconds since the epoch.
    """
    recent = {key: before[key] for key in due if key in before and now - before[key] < AGAIN_SECONDS}
    is_new = len(recent) < len(due)
    return LastRequest(is_new, dict.fromkeys(due, now) if is_new else recent)


def due_sensor(canvas: Canvas, job: AssetJob) -> dg.SensorDefinition:
    """The sensor that launches a run when projects are due, by operations or by hours."""

    @dg.sensor(
        name="canvas_projects_sensor",
        job=job,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Launches {job.name} when projects have {canvas.settings.snapshot_operations} operations that "
        f"are in no snapshot, or have had any for {canvas.settings.snapshot_hours:g} hours; one run at a time.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        due = canvas.due_projects()
        if count_unfinished(context.instance, job.name):
            return dg.SkipReason(f"{len(due)} due projects, and a run is under way")
        before = msgspec.json.decode(context.cursor or "{}", type=dict[str, float])
        asked = look(due, before, canvas.clock().timestamp())
        # No run key: it would dedupe for ever. Saving twice is harmless.
        requests = [dg.RunRequest()] if asked.is_new else []
        reason = None if requests else f"{len(due)} due projects, none that no run was just asked for"
        return dg.SensorResult(requests, reason, cursor=msgspec.json.encode(asked.at).decode())

    return sensor


def definitions(canvas: Canvas, checks: AssetJob) -> dg.Definitions:
    """The snapshots of this canvas; the job `checks` runs after their runs."""
    job = asset_job(
        "canvas_snapshot",
        snapshots,
        description="Save the canvas projects that are due, and thin their snapshots.",
        checks=checks,
    )
    schedule = cron_schedule(
        "canvas_regular_snapshot",
        job,
        canvas.settings.snapshot_cron,
        variable="ORCHESTRATION_SNAPSHOT_CRON",
        description="Saves the projects that are due, and thins the snapshots of those that nobody works on any more.",
    )
    longest = timedelta(hours=canvas.settings.snapshot_hours)
    return dg.Definitions(
        # Without a run for so long, projects grow older unsaved than the settings allow.
        assets=[projects, with_freshness(snapshots, longest, warn=longest / 2)],
        asset_checks=CHECKS,
        jobs=[job],
        sensors=[due_sensor(canvas, job)],
        schedules=[schedule],
    )
