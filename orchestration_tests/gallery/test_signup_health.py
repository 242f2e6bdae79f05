"""Whether the signup set is old or short, and when another refresh is worth its while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.gallery.signup import SignupSet
from orchestration.gallery.signup_health import PATIENCE, LastRequest, ask_for_more, missing_images, old_set

NOW = datetime(2026, 2, 1, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=1)


def state(shown: int, revision: int = 7) -> SignupSet:
    """A set of so many images."""
    return SignupSet(shown, shown, LONG_AGO, revision)


def asks(shown: int, asked: LastRequest | None = None, *, is_behind: bool = False) -> LastRequest | None:
    """Whether a refresh of a set that should have ten images is asked for."""
    return ask_for_more(state(shown), 10, asked, is_behind=is_behind, now=NOW)


def test_a_full_set_needs_nothing() -> None:
    assert asks(10) is None
    assert asks(12) is None


def test_an_empty_set_is_filled_at_once_even_while_the_mirror_is_behind() -> None:
    assert asks(0) == LastRequest(NOW, 7)
    assert asks(0, is_behind=True) == LastRequest(NOW, None)


def test_an_empty_set_needs_no_patience_once_there_is_more_to_choose_from() -> None:
    a_moment_ago = NOW - timedelta(seconds=30)
    assert asks(0, LastRequest(a_moment_ago, None)) == LastRequest(NOW, 7)
    assert asks(0, LastRequest(a_moment_ago, 6)) == LastRequest(NOW, 7)
    assert asks(0, LastRequest(a_moment_ago, 7)) is None
    assert asks(0, LastRequest(a_moment_ago, None), is_behind=True) is None
    assert asks(0, LastRequest(NOW - PATIENCE, None), is_behind=True) == LastRequest(NOW, None)
    assert asks(3, LastRequest(a_moment_ago, 6)) is None


def test_a_short_set_waits_for_the_mirror() -> None:
    assert asks(3, is_behind=True) is None
    assert asks(3) == LastRequest(NOW, 7)


@pytest.mark.parametrize(
    ("asked", "again"),
    [
        (LastRequest(NOW - PATIENCE / 2, 6), False),
        (LastRequest(NOW - PATIENCE / 2, None), False),
        (LastRequest(LONG_AGO, 7), False),
        (LastRequest(LONG_AGO, 6), True),
        (LastRequest(LONG_AGO, None), True),
    ],
)
def test_nothing_is_asked_again_soon_or_before_anything_has_changed(asked: LastRequest, again: bool) -> None:
    assert (asks(3, asked) is not None) is again


@given(
    shown=st.integers(0, 12),
    wanted=st.integers(1, 12),
    revisions=st.lists(st.integers(0, 3), max_size=30),
    is_behind=st.booleans(),
)
def test_a_set_that_stays_short_is_not_refreshed_more_often_than_the_gallery_changes(
    shown: int, wanted: int, revisions: list[int], *, is_behind: bool
) -> None:
    asked, refreshes, now = None, 0, NOW
    for revision in sorted(revisions):
        now += PATIENCE
        asking = ask_for_more(state(shown, revision), wanted, asked, is_behind=is_behind, now=now)
        if asking:
            asked, refreshes = asking, refreshes + 1
    assert refreshes == 0 or shown < wanted
    if not is_behind:
        assert refreshes <= len(set(revisions))


def test_a_set_is_old_when_it_was_not_refreshed_in_time() -> None:
    assert old_set(state(3), 24, NOW).total == 0
    late = old_set(state(3), 12, NOW)
    assert late.total == 1
    assert late.examples == [("24.0 hours ago", "12 hours", 3)]
    assert "refresh-signup" in late.remedy
    assert old_set(SignupSet(0, 0, None, 1), 24, NOW).examples == [("never", "24 hours", 0)]


def test_missing_images_are_those_that_cannot_be_shown_now() -> None:
    assert missing_images(SignupSet(10, 10, NOW, 1), 10).total == 0
    assert missing_images(SignupSet(8, 10, NOW, 1), 10).total == 2
