"""Schedules whose times come from the settings.

The one way to declare such a schedule, and to refuse a cron that is none or never comes. Keep out: what runs when.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import islice, pairwise
from typing import TYPE_CHECKING

import dagster as dg

# Dagster has no public name for what gives a cron's times.
from dagster._utils.schedules import cron_string_iterator

from orchestration.errors import ConfigurationError

if TYPE_CHECKING:
    from orchestration.runtime.assets import AssetJob

# More than a week of days; what comes several times a day is seen over less.
_MOMENTS = 32


def longest_gap(cron: str) -> timedelta:
    """The longest time between two of the next times of `cron`, which `cron_schedule` has found to be one."""
    moments = list(islice(cron_string_iterator(0.0, cron, "UTC"), _MOMENTS))
    return max(after - before for before, after in pairwise(moments))


def cron_schedule(
    name: str,
    job: AssetJob | dg.JobDefinition,
    cron: str,
    *,
    variable: str,
    description: str,
    run_config: dg.RunConfig | None = None,
) -> dg.ScheduleDefinition:
    """Run `job` at the times of `cron` (UTC), from the start of the system on.

    `variable` is the environment variable that `cron` was read from. Raises `ConfigurationError` that names it when
    the text is no cron, and when it names a day that no year has, at which Dagster would fail at each look.
    """
    try:
        next(cron_string_iterator(0.0, cron, "UTC"))
        return dg.ScheduleDefinition(
            name=name,
            job=job,
            cron_schedule=cron,
            execution_timezone="UTC",
            default_status=dg.DefaultScheduleStatus.RUNNING,
            run_config=run_config,
            description=description,
        )
    except (dg.DagsterInvalidDefinitionError, ValueError) as error:
        remedy = "write its five fields, as in 0 3 * * *, and a day that comes in some year"
        raise ConfigurationError(f"{variable} {cron!r} is no schedule; {remedy}") from error
