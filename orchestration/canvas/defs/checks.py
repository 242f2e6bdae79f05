"""The asset checks of canvas projects: standing inventories of what is wrong, with examples and the remedy.

Belongs here: which question is a check, and how severe it is. Does not: the questions (`health`).
"""

import dagster as dg

from orchestration.canvas import health
from orchestration.canvas.canvas import Canvas
from orchestration.canvas.defs.assets import snapshots
from orchestration.runtime.checks import DomainChecks

_checks = DomainChecks[Canvas]("canvas")


SNAPSHOT_CHECKS = [
    _checks.ask(
        "no_snapshot_is_corrupt",
        snapshots,
        lambda _, connection: health.corrupt_snapshots(connection),
        description="Every snapshot holds what was written.",
        severity=dg.AssetCheckSeverity.ERROR,
    ),
    _checks.ask(
        "snapshots_are_up_to_date",
        snapshots,
        lambda canvas, connection: health.overdue_projects(connection, canvas.policy.due, canvas.clock()),
        description="No project has been due for a snapshot for long.",
    ),
    _checks.ask(
        "replay_equals_load",
        snapshots,
        lambda _, connection: health.differing_projects(connection),
        description="A few projects, chosen anew each time, load as a full replay of their log makes them.",
        severity=dg.AssetCheckSeverity.ERROR,
    ),
]
