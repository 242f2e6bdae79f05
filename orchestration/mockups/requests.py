"""What can be asked of the mockups.

Keep out: how it is done (`defs.requests`).
"""

from __future__ import annotations

import msgspec

from orchestration.requests.requests import RequestKind


class Render(msgspec.Struct, forbid_unknown_fields=True):
    """Render the newest job of each of these SKUs again; none named: what is due."""

    skus: list[str] = []


RENDER = RequestKind("mockups.render", Render, "Render jobs now, or the newest job of some SKUs again.")

KINDS = (RENDER,)
