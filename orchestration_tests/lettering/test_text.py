"""What a text may hold."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.lettering.errors import TextError, describe
from orchestration.lettering.text import TextRules, is_invisible, prepare


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("e\u0301", "é"),
        ("A\u00a0B", "A B"),
        ("A\tB", "A B"),
        ("a\r\nb", "a\nb"),
        ("\u2764\ufe0f", "\u2764"),
        ("\u0639\u0644\u06cc\u200c\u0631", "\u0639\u0644\u06cc\u200c\u0631"),
        ("क्\u200dष", "क्\u200dष"),
    ],
)
def test_a_text_is_put_into_its_plain_form(text: str, prepared: str) -> None:
    assert prepare(text) == prepared


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("An\x00na", "U+0000"),
        ("\x1b[31m", "U+001B"),
        ("Anna\rSmith", "U+000D"),
        ("An\u200bna", "U+200B ZERO WIDTH SPACE after 'n'"),
        ("\u202eannA", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("\ufeffAnna", "U+FEFF"),
        ("a\u200db", "U+200D ZERO WIDTH JOINER"),
        ("\u3164", "U+3164 HANGUL FILLER"),
        ("A\ufe0f", "U+FE0F"),
        ("\ud800", "U+D800"),
        ("Anna 😀", "U+1F600 GRINNING FACE"),
        ("🇬🇧", "U+1F1EC"),
        ("\u0301a", "U+0301 COMBINING ACUTE ACCENT has no letter"),
        ("a \u0301", "U+0301 COMBINING ACUTE ACCENT has no letter"),
        ("x\u0300\u0301\u0302\u0303\u0304", "more than 4 marks"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(TextError) as refused:
        prepare(text)
    assert named in refused.value.problem
    assert refused.value.remedy


@given(st.text(max_size=60))
def test_a_text_is_refused_or_comes_out_in_nfc_without_anything_invisible(text: str) -> None:
    try:
        prepared = prepare(text)
    except TextError:
        return
    assert unicodedata.is_normalized("NFC", prepared)
    assert not any(is_invisible(character) and character not in "\u200c\u200d" for character in prepared)
    assert prepare(prepared) == prepared


@pytest.mark.parametrize("text", ["\u2764\ufe0f", "1\ufe0f\u20e3", "👩\u200d👧", "👍🏽", "🇬🇧", "❤\ufe0f\u200d🔥"])
def test_emoji_and_their_sequences_are_kept_where_there_are_colours(text: str) -> None:
    assert prepare(f"a {text}", TextRules(colour=True)) == f"a {text}"


def test_an_emoji_style_after_a_letter_is_refused_in_colour_too() -> None:
    with pytest.raises(TextError, match=r"U\+FE0F"):
        prepare("A\ufe0f", TextRules(colour=True))


def test_a_space_that_forbids_a_break_is_kept_where_lines_are_broken() -> None:
    assert prepare("10\u00a0kg", TextRules(no_break=True)) == "10\u00a0kg"


def test_a_mark_after_a_separator_has_no_letter() -> None:
    assert prepare("a/\u0301") == "a/\u0301"
    with pytest.raises(TextError, match="has no letter"):
        prepare("a/\u0301", TextRules(separators="\n/"))


def test_a_character_is_described_so_that_it_can_be_found() -> None:
    assert describe("é\u200b") == "'é' (U+00E9 LATIN SMALL LETTER E WITH ACUTE), U+200B ZERO WIDTH SPACE"
    assert describe("\ue000") == "U+E000"
