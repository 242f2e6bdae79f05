"""What can be asked of the prints.

Keep out: how it is done (`defs.requests`).
"""

from __future__ import annotations

import msgspec

from orchestration.requests.requests import RequestKind


class Render(msgspec.Struct, forbid_unknown_fields=True):
    """Render the pending tasks of these SKUs, or this one task; none named: what is due.

    `force` renders all tasks of the SKUs again, done ones too.
    """

    skus: list[str] = []
    task: int | None = None
    force: bool = False


class MakePlates(msgspec.Struct, forbid_unknown_fields=True):
    """Put finished prints of these SKUs, or all, on plates; `with_review` also those that are to be reviewed."""

    skus: list[str] = []
    with_review: bool = False


RENDER = RequestKind("prints.render", Render, "Render print tasks now.")

PLATES = RequestKind("prints.plates", MakePlates, "Put finished prints on plates.")

KINDS = (RENDER, PLATES)
