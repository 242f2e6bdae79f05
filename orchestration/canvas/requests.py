"""What can be asked of the canvas.

Keep out: how it is done (`defs.requests`).
"""

from __future__ import annotations

import msgspec

from orchestration.requests.requests import RequestKind


class Snapshot(msgspec.Struct, forbid_unknown_fields=True):
    """Save these projects, due or not; none named: all that are due."""

    projects: list[str] = []


class Collect(msgspec.Struct, forbid_unknown_fields=True):
    """Collect media; a dry run unless that is exactly false. None is what the settings say.

    `allow` names guards that are overruled, `force` overrules all.
    """

    dry_run: bool = True
    ttl_days: float | None = None
    max_items: int | None = None
    allow: list[str] = []
    force: bool = False


SNAPSHOT = RequestKind("canvas.snapshot", Snapshot, "Save canvas projects as snapshots.")
COLLECT = RequestKind(
    "canvas.collect", Collect, "Collect the canvas media that nothing refers to; a dry run by default."
)

KINDS = (SNAPSHOT, COLLECT)
