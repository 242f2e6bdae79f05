"""Schedules whose times come from the settings.

Belongs here: the one way to declare such a schedule, and to complain of a cron that is none. Does not: what runs when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.runtime.assets import AssetJob


def cron_schedule(
    name: str,
    job: AssetJob,
    cron: str,
    *,
    variable: str,
    description: str,
    run_config: Mapping[str, Any] | None = None,
) -> dg.ScheduleDefinition:
    """Run `job` at the times of `cron` (UTC), from the start of the system on.

    `variable` is the environment variable that `cron` was read from. Raises `ConfigurationError` that names it when
    the text is no cron.
    """
    try:
        return dg.ScheduleDefinition(
            name=name,
            job=job,
            cron_schedule=cron,
            execution_timezone="UTC",
            default_status=dg.DefaultScheduleStatus.RUNNING,
            run_config=run_config,
            description=description,
        )
    except dg.DagsterInvalidDefinitionError as error:
        remedy = "write its five fields, as in 0 3 * * *"
        raise ConfigurationError(f"{variable} {cron!r} is no schedule; {remedy}") from error
