"""The jobs, sensors and schedules of prints: when its assets are made.

Belongs here: triggers. Does not: what they trigger.

The sensor queues whatever is pending and keeps as many drains up as that asks for; a second one does the same for
notifications. Every quarter of an hour a schedule looks as well, for the time when the sensor is off or behind.
"""

from typing import NamedTuple

import dagster as dg

from orchestration.prints.defs.assets import order_updates, stl
from orchestration.prints.shop import PrintShop
from orchestration.runtime.assets import AssetJob, asset_job
from orchestration.runtime.drains import DrainScale, drain_sensor

STALE_CRON = "*/15 * * * *"
# One sender keeps to the receivers' rate limits.
NOTIFICATIONS_PER_DRAIN = DrainScale(tasks_per_drain=5_000, most=1)


class PrintJobs(NamedTuple):
    """The jobs, in the order in which their work flows."""

    render: AssetJob
    notify: AssetJob


def print_jobs() -> PrintJobs:
    """The jobs."""
    return PrintJobs(
        render=asset_job(
            "prints_render", stl, description="Render pending print tasks, or those of the SKUs in the run config."
        ),
        notify=asset_job("prints_notify", order_updates, description="Tell the shop of finished prints."),
    )


def drain_sensors(prints: PrintShop, jobs: PrintJobs) -> list[dg.SensorDefinition]:
    """The sensors that keep the drains up."""

    def notifications() -> int:
        with prints.database.connect() as connection:
            return prints.outbox.queue.counts(connection).waiting

    scale = DrainScale(prints.settings.print_tasks_per_drain, prints.settings.print_max_drains)
    return [
        drain_sensor("prints_tasks_sensor", jobs.render, prints.look, scale),
        drain_sensor("prints_notifications_sensor", jobs.notify, notifications, NOTIFICATIONS_PER_DRAIN),
    ]


def stale_schedule(prints: PrintShop, job: AssetJob) -> dg.ScheduleDefinition:
    """The schedule that repairs states, queues what is pending, and drains it if there is any."""

    @dg.schedule(
        name="prints_stale_tasks",
        job=job,
        cron_schedule=STALE_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Repairs the states of print tasks, queues what is pending, and launches a drain if any is due.",
    )
    def schedule() -> dg.RunRequest | dg.SkipReason:
        due = prints.look()
        if not due:
            return dg.SkipReason("No print task is due")
        return dg.RunRequest(run_config={"ops": {"prints__stl": {"config": {"idle_seconds": None}}}})

    return schedule
