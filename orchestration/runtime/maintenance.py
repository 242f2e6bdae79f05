"""Maintenance of what belongs to no domain: the job that deletes old runs and half-written objects, and its schedule.

Keep out: which runs may go (`retention`), and the upkeep of a domain's rows, which is the domain's.
"""

import threading
import time
from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.runtime.assets import MAX_RUNTIME_TAG
from orchestration.runtime.retention import RunRetention, prune_runs
from orchestration.runtime.schedules import cron_schedule
from orchestration.runtime.shutdown import GracefulShutdown
from orchestration.services import Services

# What is left then is deleted the next night.
PRUNE_SECONDS = 1_800
# No object takes longer to write.
UNFINISHED_AGE = timedelta(days=1)


def maintenance_definitions(services: Services) -> dg.Definitions:
    """The job `maintenance_prune`, and the schedule that launches it."""
    settings = services.settings
    retention = RunRetention(timedelta(days=settings.run_keep_days), timedelta(days=settings.run_keep_failed_days))

    @dg.op(description="Deletes ended runs that are too old, but for those that a status rests on.")
    def delete_old_runs(context: dg.OpExecutionContext) -> None:
        deadline, stopped = time.monotonic() + PRUNE_SECONDS, threading.Event()
        with GracefulShutdown() as shutdown:  # a run that is half deleted would leave its events behind for ever
            shutdown.call(stopped.set)
            pruned = prune_runs(
                context.instance,
                retention,
                now=datetime.now(UTC),
                is_over=lambda: stopped.is_set() or time.monotonic() > deadline,
            )
        context.add_output_metadata({"deleted": pruned.deleted, "kept for a status": pruned.kept})

    @dg.op(description="Deletes what killed processes had begun to write into the object store.")
    def delete_unfinished_objects(context: dg.OpExecutionContext) -> None:
        deleted = services.objects.remove_unfinished(datetime.now(UTC) - UNFINISHED_AGE)
        context.add_output_metadata({"deleted": deleted})

    @dg.job(
        name="maintenance_prune",
        executor_def=dg.in_process_executor,
        tags={MAX_RUNTIME_TAG: str(2 * PRUNE_SECONDS)},
        description="Delete old runs of Dagster with their events and logs, and half-written objects.",
    )
    def maintenance_prune() -> None:
        delete_old_runs()
        delete_unfinished_objects()

    schedule = cron_schedule(
        "maintenance_nightly_prune",
        maintenance_prune,
        settings.run_prune_cron,
        variable="ORCHESTRATION_RUN_PRUNE_CRON",
        description="Deletes runs that are older than the settings keep them.",
    )
    return dg.Definitions(jobs=[maintenance_prune], schedules=[schedule])
