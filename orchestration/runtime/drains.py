"""Drain runs: warm runs that empty a queue, as many as its depth asks for.

Belongs here: how many drains are missing, and the sensor that launches them. Does not: what a drain does.

A run costs seconds, a task in a warm run milliseconds. The sensor launches a drain when the queue has work and too
few drains are up; it never stops one: a drain ends by itself when it stays idle.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

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


def missing_drains(depth: int, running: int, scale: DrainScale) -> int:
    """How many drains to launch for `depth` due tasks while `running` are up or on their way."""
    wanted = min(scale.most, max(scale.warm, math.ceil(depth / scale.tasks_per_drain)))
    return max(0, wanted - running)


def drain_sensor(name: str, job: AssetJob, depth: Callable[[], int], scale: DrainScale) -> dg.SensorDefinition:
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
        running = context.instance.get_runs_count(dg.RunsFilter(tags=tags, statuses=UNFINISHED))
        missing = missing_drains(due, running, scale)
        if not missing:
            return dg.SkipReason(f"{due} tasks due, {running} drains up")
        return [dg.RunRequest(tags=tags) for _ in range(missing)]

    return sensor
