"""When canvas projects are saved: every few hours, and as soon as one has many new operations.

Belongs here: the job, its sensor and its schedule. Does not: which projects are due (`snapshots`).
"""

from typing import NamedTuple

import dagster as dg
import msgspec

from orchestration.canvas.canvas import Canvas
from orchestration.canvas.defs.assets import snapshots
from orchestration.runtime.assets import AssetJob, asset_job
from orchestration.runtime.run_states import UNFINISHED
from orchestration.runtime.schedules import cron_schedule

INTERVAL_SECONDS = 30
# A project that is still due after a run was asked for is asked for again, but not at every look.
AGAIN_SECONDS = 300.0

canvas_snapshot = asset_job(
    "canvas_snapshot", snapshots, description="Save the canvas projects that are due, and thin their snapshots."
)


class Asked(NamedTuple):
    """Whether a run is worth while, and when each busy project was last asked for."""

    is_new: bool
    at: dict[str, float]


def look(busy: list[str], before: dict[str, float], now: float) -> Asked:
    """Whether any of the busy projects was not asked for a short while ago; those that are busy no more are forgotten.

    `before` and `now` are in seconds since the epoch.
    """
    recent = {key: before[key] for key in busy if key in before and now - before[key] < AGAIN_SECONDS}
    is_new = len(recent) < len(busy)
    return Asked(is_new, dict.fromkeys(busy, now) if is_new else recent)


def busy_sensor(canvas: Canvas, job: AssetJob = canvas_snapshot) -> dg.SensorDefinition:
    """The sensor that launches a run when projects have passed the number of operations."""

    @dg.sensor(
        name="canvas_projects_sensor",
        job=job,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Launches {job.name} when projects have {canvas.settings.snapshot_operations} operations that "
        "are in no snapshot; one run at a time.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        busy = canvas.busy_projects()
        if context.instance.get_runs_count(dg.RunsFilter(job_name=job.name, statuses=UNFINISHED)):
            return dg.SkipReason(f"{len(busy)} busy projects, and a run is under way")
        before = msgspec.json.decode(context.cursor or "{}", type=dict[str, float])
        asked = look(busy, before, canvas.clock().timestamp())
        # No run key: it would dedupe for ever. Saving twice is harmless.
        requests = [dg.RunRequest()] if asked.is_new else []
        reason = None if requests else f"{len(busy)} busy projects, none that no run was just asked for"
        return dg.SensorResult(requests, reason, cursor=msgspec.json.encode(asked.at).decode())

    return sensor


def snapshot_schedule(cron: str, job: AssetJob = canvas_snapshot) -> dg.ScheduleDefinition:
    """The schedule that saves what is due by age, and all else that is due."""
    return cron_schedule(
        "canvas_regular_snapshot",
        job,
        cron,
        variable="ORCHESTRATION_SNAPSHOT_CRON",
        description="Saves the projects that are due, and thins the snapshots of those that nobody works on any more.",
    )
