"""Watching the feed: which suppliers a look at Import.txt asks for, until their plans have seen it.

It decides, from what was read, what is planned and what was asked for before. Keep out: reading the feed (`source`),
and launching runs.

A change counts as seen when the supplier's plan has stored its fingerprint, and not when a sync was asked for: that one
may fail, or never run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from orchestration.catalogue.feed.source import FeedVersion

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

# What was asked for and not planned is asked for again after so long, each time twice the wait before.
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 60.0, 3_600.0


class FeedCursor(msgspec.Struct, frozen=True):
    """What the last look has left: the version read, and the fingerprints of the suppliers whose plans are due.

    `asked_at` is when a sync of those was last asked for, in seconds since 1970; `times` is how often.
    """

    version: FeedVersion
    due: dict[str, str] = {}
    times: int = 0
    asked_at: float = 0.0

    def encode(self) -> str:
        """For the sensor's cursor."""
        return msgspec.json.encode(self).decode()


class Look(NamedTuple):
    """What follows from a look: the suppliers to ask for, the cursor to keep, and why nothing is asked for."""

    suppliers: tuple[str, ...]
    cursor: FeedCursor
    reason: str = ""


def decode_cursor(text: str | None) -> FeedCursor | None:
    """The cursor of the last look; earlier releases left a version alone."""
    if not text:
        return None
    found = msgspec.json.decode(text, type=FeedCursor | FeedVersion)
    return found if isinstance(found, FeedCursor) else FeedCursor(found)


def after_change(version: FeedVersion, changed: Mapping[str, str], now: datetime) -> Look:
    """After a new Import.txt, in which these suppliers' fingerprints differ from those that are planned."""
    if not changed:
        return Look((), FeedCursor(version), "No supplier's lines changed")
    return Look(tuple(sorted(changed)), FeedCursor(version, dict(changed), 1, now.timestamp()))


def without_change(cursor: FeedCursor, planned: Mapping[str, str | None], now: datetime, *, is_syncing: bool) -> Look:
    """After an Import.txt that is as it was; `planned` are the fingerprints of the suppliers' last plans."""
    due = {code: fingerprint for code, fingerprint in cursor.due.items() if planned.get(code) != fingerprint}
    kept = FeedCursor(cursor.version, due, cursor.times, cursor.asked_at)
    if not due:
        return Look((), FeedCursor(cursor.version), "Import.txt is as it was")
    waited = now.timestamp() - cursor.asked_at
    wait = min(FIRST_WAIT_SECONDS * 2.0 ** (cursor.times - 1), LONGEST_WAIT_SECONDS)
    if waited < wait or (is_syncing and waited < LONGEST_WAIT_SECONDS):
        return Look((), kept, f"{len(due)} suppliers are asked for, and not planned yet")
    return Look(tuple(sorted(due)), FeedCursor(cursor.version, due, cursor.times + 1, now.timestamp()))
