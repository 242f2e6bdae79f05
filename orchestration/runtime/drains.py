"""Drain runs: warm runs that drain a queue, as many as its depth asks for.

It holds the frame of a drained asset, and the sensor that launches its runs. Keep out: draining itself (`work_queue`).

A run costs seconds, a task in a warm run milliseconds. The sensor launches a drain when the queue has work and too
few drains are up; it never stops one: a drain ends by itself when it stays idle.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import dagster as dg
from pydantic import Field

from orchestration.observability.logs import about
from orchestration.runtime.assets import AssetJob
from orchestration.runtime.failures import step_failures
from orchestration.runtime.partition_keys import decode_key
from orchestration.runtime.partitions import UNFINISHED
from orchestration.runtime.shutdown import GracefulShutdown
from orchestration.services import Services
from orchestration.work_queue.options import DrainOptions
from orchestration.work_queue.pausing import pauses
from orchestration.work_queue.queue import TaskQueue

DRAIN_TAG = "orchestration/drain"
# After a start with much in the queue of runs, drains begin before the runs that only look, and before all others those
# whose tasks cannot wait.
PRIORITY = "dagster/priority"
INTERVAL_SECONDS = 5
# How long after its start a run has a worker at the latest.
REGISTRATION_SECONDS = 60.0
_WORKING = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)


class DrainConfig(dg.Config):
    """Run config of an asset that is fed by a queue.

    Without keys, and without a partition selected in the UI, the run drains the queue: it takes what is due, stays
    warm for `idle_seconds`, and ends after `max_seconds`; the sensor starts the next one. With keys it makes those,
    and waits for their retries.
    """

    keys: list[str] = Field(default=[], description="Partition keys to make, scattered as they may be; empty drains")
    idle_seconds: float | None = Field(
        default=10.0, description="How long a drain waits for more work; null ends it as soon as its queue is empty"
    )
    max_seconds: float = Field(default=3_300.0, description="When a drain ends in any case")


class DrainStep(NamedTuple):
    """What a step that drains is to do: `keys` are the decoded partition keys that it is for, None for a drain."""

    options: DrainOptions
    keys: list[str] | None


@contextmanager
def drain_step(context: dg.AssetExecutionContext, config: DrainConfig) -> Iterator[DrainStep]:
    """The frame of a step that drains a queue; record its results inside, so that a termination does not lose them.

    A termination request ends the drain after the tasks that are being handled, and the step without a failure.
    """
    with GracefulShutdown() as stop, step_failures(), about(run=context.run.run_id):
        options = DrainOptions(config.idle_seconds, config.max_seconds, stop, run=context.run.run_id)
        yield DrainStep(options, requested_keys(context, config))


def requested_keys(context: dg.AssetExecutionContext, config: DrainConfig) -> list[str] | None:
    """The decoded keys that this run is to make; None for a drain."""
    keys: Sequence[str] = config.keys
    if context.has_partition_key or context.has_partition_key_range:
        keys = context.partition_keys
    return [decode_key(key) for key in dict.fromkeys(keys)] or None


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

    run_config: dg.RunConfig
    renew_seconds: float


def missing_drains(depth: int, running: int, scale: DrainScale) -> int:
    """How many drains to launch for `depth` due tasks while `running` are up or on their way."""
    wanted = min(scale.most, max(scale.warm, math.ceil(depth / scale.tasks_per_drain)))
    return max(0, wanted - running)


def drain_sensor(
    name: str,
    job: AssetJob,
    services: Services,
    queues: Sequence[TaskQueue],
    scale: DrainScale,
    *,
    warm: WarmRuns | None = None,
    before: Callable[[], object] | None = None,
) -> dg.SensorDefinition:
    """A sensor that keeps the right number of runs of `job` up for the tasks that are due in `queues`.

    `before` is called at each tick first, to queue what is due by other signs.
    """

    @dg.sensor(
        name=name,
        job=job,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Launches runs of {job.name} while its queue has work: one for {scale.tasks_per_drain} tasks, "
        f"{scale.most} at most.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        if before is not None:
            before()
        due = due_tasks(services, queues)
        tags = {DRAIN_TAG: job.name}
        priority = {PRIORITY: "2" if warm else "1"}
        born_after = datetime.now(UTC) - timedelta(seconds=warm.renew_seconds) if warm else None
        running = len(live_drains(context.instance, services, queues, tags, born_after))
        missing = missing_drains(due, running, scale)
        if not missing:
            return dg.SkipReason(f"{due} tasks due, {running} drains up")
        kept_up = max(0, scale.warm - running) if warm else 0
        configs = [warm.run_config if warm and number < kept_up else None for number in range(missing)]
        return [dg.RunRequest(tags=tags | priority, run_config=config) for config in configs]

    return sensor


def live_drains(
    instance: dg.DagsterInstance,
    services: Services,
    queues: Sequence[TaskQueue],
    tags: Mapping[str, str],
    born_after: datetime | None = None,
) -> list[str]:
    """The ids of the drain runs that are up or on their way; a run whose worker is dead is ended as failed.

    The state of a run says only what its process reported last. Whether the process lives is told by its worker's sign
    of life in the database. A run that has just started may not have a worker yet.
    """
    with services.database.connect() as connection:
        workers = [worker for queue in queues for worker in queue.workers(connection)]
    alive = {worker.run_id for worker in workers if worker.is_alive}
    dead = {worker.run_id for worker in workers if not worker.is_alive} - alive
    up = []
    for record in instance.get_run_records(dg.RunsFilter(tags=dict(tags), statuses=UNFINISHED)):
        run = record.dagster_run
        if _is_lost(record, alive, dead):
            instance.report_run_failed(
                run, "Its worker gives no sign of life: the process was killed. Its tasks are free."
            )
        elif born_after is None or record.create_timestamp >= born_after:
            up.append(run.run_id)
    return up


def _is_lost(record: dg.RunRecord, alive: Collection[str | None], dead: Collection[str | None]) -> bool:
    """Whether the run has lost its worker, or has been running for long without one."""
    run = record.dagster_run
    if run.status not in _WORKING or run.run_id in alive:
        return False
    since = datetime.now(UTC).timestamp() - (record.start_time or datetime.now(UTC).timestamp())
    return run.run_id in dead or since > REGISTRATION_SECONDS


def due_tasks(services: Services, queues: Sequence[TaskQueue]) -> int:
    """How many tasks of the queues may run now; none of a queue that is paused."""
    with services.database.connect() as connection:
        paused = pauses(connection)
        return sum(queue.counts(connection).waiting for queue in queues if queue.name not in paused)
