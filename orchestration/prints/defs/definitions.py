"""The definitions of prints, as one set.

Belongs here: the list. Does not: anything that is on it.
"""

from __future__ import annotations

import dagster as dg

from orchestration.prints.defs import assets, checks
from orchestration.prints.defs.jobs import drain_sensors, print_jobs, stale_schedule
from orchestration.prints.shop import PrintShop
from orchestration.runtime.checks import check_sensors


def prints_definitions(prints: PrintShop) -> dg.Definitions:
    """Assets, checks, jobs, sensors and schedules, over this print shop."""
    jobs = print_jobs()
    return dg.Definitions(
        assets=[
            assets.print_orders,
            assets.print_tasks,
            assets.stl,
            assets.notification_tasks,
            assets.order_updates,
        ],
        asset_checks=checks.CHECKS,
        jobs=[*jobs, checks.prints_check],
        sensors=[*drain_sensors(prints, jobs), *check_sensors("prints", jobs, checks.prints_check)],
        schedules=[stale_schedule(prints, jobs.render)],
        resources={"prints": prints},
    )
