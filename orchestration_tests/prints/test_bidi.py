"""The order of runs when writing directions meet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.prints.bidi import levels, visual_runs


def _drawn(text: str) -> str:
    """Return the characters from left to right, as a screen would show them."""
    return "".join(
        text[run.start : run.end][::-1] if run.right_to_left else text[run.start : run.end] for run in visual_runs(text)
    )


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("Anna", "Anna"),
        ("אבג", "גבא"),
        ("Bob אבג", "Bob גבא"),
        ("אבג Bob", "Bob גבא"),
        ("אבג 42", "42 גבא"),
        ("Bob אבג 42", "Bob 42 גבא"),
        ("אב 1,234 ג", "ג 1,234 בא"),
        ("אב 50% ג", "ג 50% בא"),
        ("محمد ١٢٣", "١٢٣ دمحم"),
        ("A אב-גד B", "A דג-בא B"),
        ("אב!", "!בא"),
        ("Bob!", "Bob!"),
    ],
)
def test_runs_are_drawn_in_the_order_of_the_unicode_algorithm(text: str, drawn: str) -> None:
    assert _drawn(text) == drawn


def test_a_mark_stays_in_the_run_of_its_letter() -> None:
    assert levels("aא\u05b8b") == [0, 1, 1, 0]


@given(st.text(alphabet="ab אבم٣1,.%+-(\u05b8", max_size=20))
def test_every_character_is_drawn_exactly_once(text: str) -> None:
    covered = sorted(at for run in visual_runs(text) for at in range(run.start, run.end))
    assert covered == list(range(len(text)))
