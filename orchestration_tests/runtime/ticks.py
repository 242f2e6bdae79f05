"""One tick of a sensor, as the daemon makes it.

Asking a sensor. Keep out: executing what it asks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import dagster as dg

if TYPE_CHECKING:
    from collections.abc import Sequence


class Tick(NamedTuple):
    """The runs that a sensor asks for, why there are none, and the cursor that it leaves."""

    requests: Sequence[dg.RunRequest]
    skipped: str | None
    cursor: str | None


def tick(definitions: dg.Definitions, sensor: str, instance: dg.DagsterInstance, cursor: str | None = None) -> Tick:
    """Let the sensor of that name look once."""
    with dg.build_sensor_context(instance, cursor=cursor, definitions=definitions) as context:
        result = definitions.resolve_sensor_def(sensor).evaluate_tick(context)
    return Tick(result.run_requests or [], result.skip_message, result.cursor)
