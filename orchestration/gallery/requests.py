"""What can be asked of the gallery.

Keep out: how it is done (`defs.requests`).
"""

from __future__ import annotations

import msgspec

from orchestration.requests.requests import RequestKind


class MirrorItems(msgspec.Struct, forbid_unknown_fields=True):
    """Mirror these generations now."""

    ids: list[str]


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """A request without arguments."""


class TakeDown(msgspec.Struct, forbid_unknown_fields=True):
    """Take these generations down, for this reason."""

    ids: list[str]
    reason: str


class Lift(msgspec.Struct, forbid_unknown_fields=True):
    """Let the history decide again about these generations."""

    ids: list[str]


MIRROR = RequestKind("gallery.mirror", MirrorItems, "Mirror generations now, whether or not they changed.")
COMPARE = RequestKind("gallery.compare", Nothing, "Compare the mirror with the history, and change nothing.")
REPAIR = RequestKind("gallery.repair", Nothing, "Compare the mirror with the history, and mirror what differs.")
REFRESH_SIGNUP = RequestKind("gallery.refresh_signup", Nothing, "Choose the images of the signup page again.")
TAKE_DOWN = RequestKind("gallery.take_down", TakeDown, "Take generations down until they are lifted.")
LIFT = RequestKind("gallery.lift", Lift, "Let the history decide again about generations that were taken down.")

KINDS = (MIRROR, COMPARE, REPAIR, REFRESH_SIGNUP, TAKE_DOWN, LIFT)
