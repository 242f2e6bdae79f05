"""What can be asked of the previews.

Keep out: how it is done (`defs.requests`).
"""

from __future__ import annotations

import msgspec

from orchestration.requests.requests import RequestKind


class Drain(msgspec.Struct, forbid_unknown_fields=True):
    """Render the preview jobs that are due."""


DRAIN = RequestKind("previews.drain", Drain, "Render the preview jobs that are due now.")

KINDS = (DRAIN,)
