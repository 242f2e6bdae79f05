"""What can be asked of the catalogue.

Keep out: how it is done (`defs.requests`).
"""

from __future__ import annotations

import msgspec

from orchestration.requests.requests import RequestKind


class Sync(msgspec.Struct, forbid_unknown_fields=True):
    """Sync these suppliers; none named: all. `full` downloads every family."""

    suppliers: list[str] = []
    full: bool = False
    allow_mass_removal: bool = False


class Stop(msgspec.Struct, forbid_unknown_fields=True):
    """Stop the sync of a supplier."""

    supplier: str


SYNC = RequestKind("catalogue.sync", Sync, "Read the feed and queue what changed; the drains do the rest.")
STOP = RequestKind("catalogue.stop", Stop, "Stop a supplier's sync.")

KINDS = (SYNC, STOP)
