"""A change of the feed is asked for until the supplier's plan has seen it, however the syncs end."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import msgspec

from orchestration.catalogue.feed.source import FeedVersion
from orchestration.catalogue.feed.watch import FeedCursor, after_change, decode_cursor, without_change

VERSION = FeedVersion('"1"', None, "ab")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_a_change_asks_for_its_suppliers_and_remembers_what_their_plans_must_see() -> None:
    look = after_change(VERSION, {"A24": "f24", "A23": "f23"}, NOON)
    assert look.suppliers == ("A23", "A24")
    assert decode_cursor(look.cursor.encode()) == look.cursor


def test_what_a_plan_has_seen_is_settled() -> None:
    asked = after_change(VERSION, {"A23": "f23"}, NOON).cursor
    look = without_change(asked, {"A23": "f23"}, later(30), is_syncing=False)
    assert (look.suppliers, look.cursor, look.reason) == ((), FeedCursor(VERSION), "Import.txt is as it was")


def test_what_no_plan_has_seen_is_asked_for_again_at_growing_intervals() -> None:
    cursor = after_change(VERSION, {"A23": "f23", "A24": "f24"}, NOON).cursor
    asked_at = []
    for seconds in range(0, 30_000, 30):
        look = without_change(cursor, {"A23": "old", "A24": "f24"}, later(seconds), is_syncing=False)
        cursor = look.cursor
        if look.suppliers:
            assert look.suppliers == ("A23",)
            asked_at.append(seconds)
    assert asked_at[:4] == [60, 180, 420, 900]
    assert max(after - before for before, after in itertools.pairwise(asked_at)) == 3_600


def test_while_a_sync_is_under_way_nothing_is_asked_for_again_for_an_hour() -> None:
    cursor = after_change(VERSION, {"A23": "f23"}, NOON).cursor
    assert not without_change(cursor, {}, later(3_000), is_syncing=True).suppliers
    assert without_change(cursor, {}, later(3_600), is_syncing=True).suppliers == ("A23",)


def test_the_cursor_of_an_earlier_release_is_read() -> None:
    assert decode_cursor(msgspec.json.encode(VERSION).decode()) == FeedCursor(VERSION)
    assert decode_cursor(None) is None
