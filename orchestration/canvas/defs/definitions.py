"""The canvas's definitions, as one set.

Belongs here: which parts there are. Does not: the parts, or those of media (`media_gc`).
"""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from orchestration.canvas.canvas import Canvas
from orchestration.canvas.defs import assets
from orchestration.canvas.defs.checks import SNAPSHOT_CHECKS
from orchestration.canvas.defs.jobs import busy_sensor, canvas_snapshot, snapshot_schedule
from orchestration.runtime.checks import check_job, check_sensors

canvas_check = check_job("canvas", SNAPSHOT_CHECKS)


def canvas_definitions(canvas: Canvas) -> dg.Definitions:
    """Assets, checks, jobs, sensors and schedules, over this canvas."""
    return dg.Definitions(
        assets=[assets.projects, assets.snapshots.map_asset_specs(lambda spec: _with_freshness(spec, canvas))],
        asset_checks=SNAPSHOT_CHECKS,
        jobs=[canvas_snapshot, canvas_check],
        sensors=[busy_sensor(canvas), *check_sensors("canvas", [canvas_snapshot], canvas_check)],
        schedules=[snapshot_schedule(canvas.settings.snapshot_cron)],
        resources={"canvas": canvas},
    )


def _with_freshness(spec: dg.AssetSpec, canvas: Canvas) -> dg.AssetSpec:
    """Without a run for so long, projects grow older unsaved than the settings allow."""
    longest = timedelta(hours=canvas.settings.snapshot_hours)
    policy = dg.FreshnessPolicy.time_window(fail_window=longest, warn_window=longest / 2)
    return spec.replace_attributes(freshness_policy=policy)
