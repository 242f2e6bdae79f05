"""The asset checks of prints: standing inventories of what is wrong, with pictures and the remedy.

Belongs here: names, severities, descriptions. Does not: the questions (`health`).
"""

import dagster as dg

from orchestration.notifications.health import given_up
from orchestration.prints import health
from orchestration.prints.defs.assets import order_updates, stl
from orchestration.prints.refusal import Check
from orchestration.prints.shop import PrintShop
from orchestration.runtime.checks import DomainChecks, check_job

_PROMISES = {
    Check.TEXT: ("text_printable", "No order's text is empty, too long, or holds a character that cannot be printed."),
    Check.CHARACTERS: (Check.CHARACTERS.value, "Every character of every order is drawn by some installed font."),
    Check.STROKES: (Check.STROKES.value, "No stroke, and no gap, is narrower than the nozzle."),
    Check.ONE_PIECE: (Check.ONE_PIECE.value, "Every product is one connected piece."),
    Check.SLIVERS: (Check.SLIVERS.value, "No product has slivers between its lines."),
    Check.BED: (Check.BED.value, "Every product fits the printer's bed."),
    Check.WATERTIGHT: (Check.WATERTIGHT.value, "Every solid is closed and of positive volume."),
}

_checks = DomainChecks[PrintShop]("prints")


def _refusals(kind: Check) -> dg.AssetChecksDefinition:
    """The check of one promise: what it refuses waits for somebody to ask the customer."""
    name, description = _PROMISES[kind]
    return _checks.ask(
        name,
        stl,
        lambda prints, connection: health.refused_tasks(connection, prints.services.objects, kind),
        description=description,
    )


CHECKS = [
    *(_refusals(kind) for kind in Check),
    _checks.ask(
        "no_print_given_up",
        stl,
        lambda _, connection: health.given_up_tasks(connection),
        description="Every print task could be rendered or was refused for a reason.",
        severity=dg.AssetCheckSeverity.ERROR,
    ),
    _checks.ask(
        "every_output_is_stored",
        stl,
        lambda prints, connection: health.missing_outputs(connection, prints.services.objects),
        description="Every file of every print task is in the object store, whole.",
        severity=dg.AssetCheckSeverity.ERROR,
    ),
    _checks.ask(
        "no_notification_given_up",
        order_updates,
        lambda _, connection: given_up(connection),
        description="The shop could be told of every finished print.",
        severity=dg.AssetCheckSeverity.ERROR,
    ),
]

prints_check = check_job("prints", CHECKS)
