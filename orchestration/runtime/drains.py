"""Drain runs: warm runs that empty a queue, as many as its depth asks for.

Belongs here: how many drains are missing, and the sensor that launches them. Does not: what a drain does.

A run costs seconds, a task in a warm run milliseconds. The sensor launches a drain when the queue has work and too
few drains are up; it never stops one: a drain ends by itself when it stays idle.
"""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import dagster as dg

from orchestration.runtime.assets import AssetJob
from orchestration.runtime.run_states import UNFINISHED

DRAIN_TAG = "orchestration/drain"
INTERVAL_SECONDS = 5


class DrainScale(NamedTuple):
    """One drain for every `tasks_per_drain` waiting tasks, `most` at the same time.

    `warm` drains are kept up even when nothing waits, for queues whose tasks cannot wait for a start of seconds.
    """

    tasks_per_drain: int
    most: int
    warm: int = 0


class WarmRuns(NamedTuple):
    """How the drains that are kept up are run: `run_config` keeps them from ending when they stay idle.

    Each ends in time all the same. One that is older than `renew_seconds` counts no longer, so that another is up
    before it ends.
    """

    run_config: Mapping[str, Any]
    renew_seconds: float


def missing_drains(depth: int, running: int, scale: DrainScale) -> int:
    """How many drains to launch for `depth` due tasks while `running` are up or on their way."""
    wanted = min(scale.most, max(scale.warm, math.ceil(depth / scale.tasks_per_drain)))
    return max(0, wanted - running)


def drain_sensor(
    name: str, job: AssetJob, depth: Callable[[], int], scale: DrainScale, warm: WarmRuns | None = None
) -> dg.SensorDefinition:
    """A sensor that keeps the right number of runs of `job` up. `depth` counts the tasks that are due."""

    @dg.sensor(
        name=name,
        job=job,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Launches runs of {job.name} while its queue has work: one for {scale.tasks_per_drain} tasks, "
        f"{scale.most} at most.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        due = depth()
        tags = {DRAIN_TAG: job.name}
        born_after = datetime.now(UTC) - timedelta(seconds=warm.renew_seconds) if warm else None
        up = dg.RunsFilter(tags=tags, statuses=UNFINISHED, created_after=born_after)
        running = context.instance.get_runs_count(up)
        missing = missing_drains(due, running, scale)
        if not missing:
            return dg.SkipReason(f"{due} tasks due, {running} drains up")
        kept_up = max(0, scale.warm - running) if warm else 0
        configs = [warm.run_config if warm and number < kept_up else {} for number in range(missing)]
        return [dg.RunRequest(tags=tags, run_config=config) for config in configs]

    return sensor
