"""Schedules from the settings run by themselves, and a cron that is none names its variable."""

from __future__ import annotations

import dagster as dg
import pytest

from orchestration.errors import ConfigurationError
from orchestration.runtime.schedules import cron_schedule


@dg.asset
def work() -> None:
    """Nothing to do."""


job = dg.define_asset_job("daily_work", [work])


def schedule(cron: str) -> dg.ScheduleDefinition:
    """A schedule of that cron."""
    return cron_schedule(
        "work_daily", job, cron, variable="WORK_CRON", description="Works.", run_config={"ops": {"work": {}}}
    )


def test_a_schedule_is_on_by_itself_and_in_utc() -> None:
    daily = schedule("0 3 * * *")
    assert (daily.job_name, daily.cron_schedule, daily.execution_timezone) == ("daily_work", "0 3 * * *", "UTC")
    assert daily.default_status is dg.DefaultScheduleStatus.RUNNING


def test_its_runs_get_the_config() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        data = schedule("0 3 * * *").evaluate_tick(dg.build_schedule_context(instance))
    assert [request.run_config for request in data.run_requests or ()] == [{"ops": {"work": {}}}]


@pytest.mark.parametrize("cron", ["", "at night", "61 * * * *", "0 3 * *", "0 3 30 2 *"])
def test_a_cron_that_is_none_names_its_variable_and_shows_a_good_one(cron: str) -> None:
    with pytest.raises(ConfigurationError, match=r"WORK_CRON .* is no schedule; write its five fields, as in 0 3"):
        schedule(cron)
