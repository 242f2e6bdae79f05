"""The asset checks of canvas projects: standing inventories of what is wrong, with examples and the remedy.

Belongs here: which question is a check, and how severe it is. Does not: the questions (`health`).
"""

from collections.abc import Callable

import dagster as dg
import sqlalchemy as sa

from orchestration.canvas import health
from orchestration.canvas.canvas import Canvas
from orchestration.canvas.defs.assets import snapshots
from orchestration.observability.findings import Finding
from orchestration.runtime.checks import check_result


def _check(
    name: str,
    ask: Callable[[Canvas, sa.Connection], Finding],
    *,
    description: str,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> dg.AssetChecksDefinition:
    @dg.asset_check(name=name, asset=snapshots, description=description)
    def check(canvas: dg.ResourceParam[Canvas]) -> dg.AssetCheckResult:
        with canvas.database.connect() as connection:
            return check_result(ask(canvas, connection), severity)

    return check


SNAPSHOT_CHECKS = [
    _check(
        "no_snapshot_is_corrupt",
        lambda _, connection: health.corrupt_snapshots(connection),
        description="Every snapshot holds what was written.",
    ),
    _check(
        "snapshots_are_up_to_date",
        lambda canvas, connection: health.overdue_projects(connection, canvas.policy.due, canvas.clock()),
        description="No project has been due for a snapshot for long.",
        severity=dg.AssetCheckSeverity.WARN,
    ),
    _check(
        "replay_equals_load",
        lambda _, connection: health.differing_projects(connection),
        description="A few projects, chosen anew each time, load as a full replay of their log makes them.",
    ),
]
