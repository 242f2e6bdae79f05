"""Whether the signup set is old or short of images, and whether another refresh may help.

It answers from the state of the set. Keep out: refreshing it (`signup`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from orchestration.observability.findings import Finding

if TYPE_CHECKING:
    from orchestration.gallery.signup import SignupSet

# A set that has some images, but is short of them, is refreshed no more often than this.
PATIENCE = timedelta(minutes=5)
# How much older than asked for the set may become, before a check says so: a refresh also takes its time to begin.
TOLERANCE = 1.25


class LastRequest(NamedTuple):
    """When a refresh was last requested because the set was short of images, and what it could see.

    `revision` is that of the newest change; None when the mirror was behind, so that more was to come without one.
    """

    at: datetime
    revision: int | None


def ask_for_more(
    state: SignupSet, wanted: int, asked: LastRequest | None, *, is_behind: bool, now: datetime
) -> LastRequest | None:
    """Whether a refresh may bring a short set nearer to `wanted` images; to be remembered as `asked` then.

    An empty set is filled at once, and with some patience again while the mirror `is_behind`; one with some images
    when the mirror no longer is behind, and then with the same patience. Neither is asked for again before anything
    has changed.
    """
    if state.shown >= wanted or (state.shown and is_behind):
        return None
    if asked and (asked.revision == state.revision or ((state.shown or is_behind) and now - asked.at < PATIENCE)):
        return None
    return LastRequest(now, None if is_behind else state.revision)


def old_set(state: SignupSet, refresh_hours: float, now: datetime) -> Finding:
    """The set, when it was not refreshed in time."""
    limit = timedelta(hours=refresh_hours * TOLERANCE)
    if state.cached_at is not None and now - state.cached_at <= limit:
        return Finding(0, "")
    age = "never" if state.cached_at is None else f"{(now - state.cached_at) / timedelta(hours=1):.1f} hours ago"
    return Finding(
        1,
        "`orchestration gallery refresh-signup` refreshes it now; look at the runs of gallery_signup for why it did "
        "not happen, or found no image.",
        ("refreshed", "wanted every", "images"),
        [(age, f"{refresh_hours:g} hours", state.stored)],
    )


def missing_images(state: SignupSet, wanted: int) -> Finding:
    """How many images the page has fewer to choose from than it should."""
    return Finding(
        max(0, wanted - state.shown),
        "The gallery has too few public images that are good enough: lower ORCHESTRATION_SIGNUP_MIN_SCORE, or raise "
        "ORCHESTRATION_SIGNUP_IMAGES_PER_CREATOR.",
        ("wanted", "stored", "shown now"),
        [(wanted, state.stored, state.shown)],
    )
