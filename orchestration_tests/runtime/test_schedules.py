"""Schedules from the settings run by themselves, and a cron that is none names its variable."""

import dagster as dg
import pytest

from orchestration.errors import ConfigurationError
from orchestration.runtime.schedules import cron_schedule


class WorkConfig(dg.Config):
    """How much to do."""

    pages: int


@dg.asset
def work(config: WorkConfig) -> int:
    """Count the pages."""
    return config.pages


job = dg.define_asset_job("daily_work", [work])


def schedule(cron: str) -> dg.ScheduleDefinition:
    """A schedule of that cron."""
    return cron_schedule(
        "work_daily",
        job,
        cron,
        variable="WORK_CRON",
        description="Works.",
        run_config=dg.RunConfig(ops={"work": WorkConfig(pages=3)}),
    )


def test_a_schedule_is_on_by_itself_and_in_utc() -> None:
    daily = schedule("0 3 * * *")
    assert (daily.job_name, daily.cron_schedule, daily.execution_timezone) == ("daily_work", "0 3 * * *", "UTC")
    assert daily.default_status is dg.DefaultScheduleStatus.RUNNING


def test_its_runs_get_the_config() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        data = schedule("0 3 * * *").evaluate_tick(dg.build_schedule_context(instance))
    assert [request.run_config["ops"] for request in data.run_requests or ()] == [{"work": {"config": {"pages": 3}}}]


@pytest.mark.parametrize(
    "cron", ["", "at night", "61 * * * *", "0 3 * *", "0 3 30 2 *", "0 0 31 4 *", "0 0 31 2,9,11 *"]
)
def test_a_cron_that_is_none_names_its_variable_and_shows_a_good_one(cron: str) -> None:
    with pytest.raises(ConfigurationError, match=r"WORK_CRON .* is no schedule; write its five fields, as in 0 3"):
        schedule(cron)


@pytest.mark.parametrize("cron", ["0 0 29 2 *", "0 0 31 2,3 *", "@daily"])
def test_a_cron_that_comes_seldom_is_one(cron: str) -> None:
    assert schedule(cron).cron_schedule == cron
