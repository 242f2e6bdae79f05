"""The order of runs when writing directions meet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.lettering.bidi import levels, reordered, visual_runs


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


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("אב Bob (Tom) ג", "ג Bob (Tom) בא"),
        ("Bob (אב) ג", "Bob (אב) ג".replace("אב", "בא")),
        ("אב (Bob) ג", "ג )Bob( בא"),
        ("אב Bob (ג) 12", "12 )ג( Bob בא"),
        ("Bob [אב (Tom)] 12", "Bob [בא (Tom)] 12"),
        ("אב (Bob", "Bob( בא"),
        ("אב Bob) 12", "Bob) 12 בא"),
        ("אב Tom (12) ג", "ג Tom (12) בא"),
    ],
)
def test_the_brackets_of_a_pair_go_together(text: str, drawn: str) -> None:
    """The brackets of a run that is drawn right to left are mirrored when it is shaped, not here."""
    runs = reordered(levels(text))
    assert "".join(text[a:b][::-1] if right_to_left else text[a:b] for a, b, right_to_left in runs) == drawn


def test_a_single_line_keeps_plain_neutrals() -> None:
    assert _drawn("אב Bob (Tom) ג") == "ג )Bob (Tom בא"


def test_a_mark_stays_in_the_run_of_its_letter() -> None:
    assert levels("aא\u05b8b") == [0, 1, 1, 0]


@given(st.text(alphabet="ab אבم٣1,.%+-(\u05b8", max_size=20))
def test_every_character_is_drawn_exactly_once(text: str) -> None:
    covered = sorted(at for run in visual_runs(text) for at in range(run.start, run.end))
    assert covered == list(range(len(text)))


def test_a_noncharacter_beside_a_neutral_is_as_a_letter() -> None:
    assert next(iter(levels("\u05d0 \U0010ffff!"))) == 1
