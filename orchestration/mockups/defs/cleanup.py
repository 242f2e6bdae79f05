"""Forgetting old failures: the job `mockups_cleanup` and its schedule.

Keep out: what is old (`orchestration.mockups.jobs`).
"""

import dagster as dg

from orchestration.mockups.mockups import Mockups
from orchestration.runtime.assets import MAX_RUNTIME_TAG
from orchestration.runtime.schedules import cron_schedule

CLEANUP_SECONDS = 600


def definitions(mockups: Mockups) -> dg.Definitions:
    """The job, and the schedule that launches it every night."""

    @dg.op(description="Marks render jobs as deleted that failed long ago; their history stays.")
    def delete_old_failures(context: dg.OpExecutionContext) -> None:
        context.add_output_metadata({"deleted": mockups.clean_up()})

    @dg.job(
        name="mockups_cleanup",
        executor_def=dg.in_process_executor,
        tags={MAX_RUNTIME_TAG: str(CLEANUP_SECONDS)},
        description="Mark old failed render jobs as deleted.",
    )
    def mockups_cleanup() -> None:
        delete_old_failures()

    schedule = cron_schedule(
        "mockups_nightly_cleanup",
        mockups_cleanup,
        mockups.settings.mockup_cleanup_cron,
        variable="ORCHESTRATION_MOCKUP_CLEANUP_CRON",
        description="Marks render jobs as deleted that failed longer ago than the settings keep them.",
    )
    return dg.Definitions(jobs=[mockups_cleanup], schedules=[schedule])
