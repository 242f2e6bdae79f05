"""The asset checks of prints: standing inventories of what is wrong, with pictures and the remedy.

Belongs here: names, severities, descriptions. Does not: the questions (`health`).
"""

from collections.abc import Callable

import dagster as dg
import sqlalchemy as sa

from orchestration.notifications.health import given_up
from orchestration.observability.findings import Finding
from orchestration.prints import health
from orchestration.prints.defs.assets import order_updates, stl
from orchestration.prints.refusal import Check
from orchestration.prints.shop import PrintShop
from orchestration.runtime.checks import check_job, check_result

_PROMISES = {
    Check.TEXT: ("text_printable", "No order's text is empty, too long, or holds a character that cannot be printed."),
    Check.CHARACTERS: (Check.CHARACTERS.value, "Every character of every order is drawn by some installed font."),
    Check.STROKES: (Check.STROKES.value, "No stroke, and no gap, is narrower than the nozzle."),
    Check.ONE_PIECE: (Check.ONE_PIECE.value, "Every product is one connected piece."),
    Check.SLIVERS: (Check.SLIVERS.value, "No product has slivers between its lines."),
    Check.BED: (Check.BED.value, "Every product fits the printer's bed."),
    Check.WATERTIGHT: (Check.WATERTIGHT.value, "Every solid is closed and of positive volume."),
}


def _check(
    name: str,
    asset: dg.AssetsDefinition,
    ask: Callable[[PrintShop, sa.Connection], Finding],
    *,
    description: str,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> dg.AssetChecksDefinition:
    @dg.asset_check(name=name, asset=asset, description=description)
    def check(prints: dg.ResourceParam[PrintShop]) -> dg.AssetCheckResult:
        with prints.database.connect() as connection:
            return check_result(ask(prints, connection), severity)

    return check


def _refusals(kind: Check) -> dg.AssetChecksDefinition:
    """The check of one promise: what it refuses waits for somebody to ask the customer."""
    name, description = _PROMISES[kind]
    return _check(
        name,
        stl,
        lambda prints, connection: health.refused_tasks(connection, prints.services.objects, kind),
        description=description,
        severity=dg.AssetCheckSeverity.WARN,
    )


CHECKS = [
    *(_refusals(kind) for kind in Check),
    _check(
        "no_print_given_up",
        stl,
        lambda _, connection: health.given_up_tasks(connection),
        description="Every print task could be rendered or was refused for a reason.",
    ),
    _check(
        "every_output_is_stored",
        stl,
        lambda prints, connection: health.missing_outputs(connection, prints.services.objects),
        description="Every file of every print task is in the object store, whole.",
    ),
    _check(
        "no_notification_given_up",
        order_updates,
        lambda _, connection: given_up(connection),
        description="The shop could be told of every finished print.",
    ),
]

prints_check = check_job("prints", CHECKS)
