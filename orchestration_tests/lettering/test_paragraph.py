"""Texts set in lines: where they break, where they stand, how much room they take."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.errors import ConfigurationError, InvalidInputError
from orchestration.lettering.errors import TextError
from orchestration.lettering.fonts import FontLibrary, FontSpec
from orchestration.lettering.outlines import Outlines
from orchestration.lettering.paragraph import Align, Paragraph, TextStyle, lay_out, measure
from orchestration_tests.lettering.made_fonts import GRIN, JAPANESE, japanese

STYLE = TextStyle(10.0)
SQUARES = TextStyle(10.0, fonts=(FontSpec("squares.ttf"),))
"""Every letter is 10 wide."""


@pytest.fixture
def squares() -> FontLibrary:
    return _squares()


def texts(paragraph: Paragraph) -> list[str]:
    return [line.text for line in paragraph.lines]


def test_words_go_to_the_next_line_and_the_space_between_is_gone(squares: FontLibrary, outlines: Outlines) -> None:
    set_text = lay_out("AAA BB CCCC D", SQUARES, squares, outlines, width=60)
    assert texts(set_text) == ["AAA BB", "CCCC D"]
    assert [line.advance for line in set_text.lines] == [60.0, 60.0]


def test_a_line_that_is_a_hair_too_narrow_breaks_earlier(squares: FontLibrary, outlines: Outlines) -> None:
    assert texts(lay_out("AAA BB CCCC D", SQUARES, squares, outlines, width=59.9)) == ["AAA", "BB", "CCCC", "D"]


def test_a_no_break_space_keeps_its_words_together(library: FontLibrary, outlines: Outlines) -> None:
    width = measure("10 kg", STYLE, library).width + 1
    assert texts(lay_out("ab 10\u00a0kg", STYLE, library, outlines, width=width)) == ["ab", "10\u00a0kg"]


def test_japanese_breaks_between_letters_but_never_before_a_full_stop(squares: FontLibrary, outlines: Outlines) -> None:
    assert texts(lay_out("日本語の文章です。改行", SQUARES, squares, outlines, width=80)) == [
        "日本語の文章で",
        "す。改行",
    ]
    assert texts(lay_out("テスト「テスト」", SQUARES, squares, outlines, width=40)) == ["テスト", "「テス", "ト」"]


def test_a_word_that_is_longer_than_a_line_breaks_between_letters(squares: FontLibrary, outlines: Outlines) -> None:
    assert texts(lay_out("A BCDEFGHI J", SQUARES, squares, outlines, width=35)) == ["A", "BCD", "EFG", "HI", "J"]


def test_a_width_below_one_letter_gives_each_letter_a_line_with_its_marks(
    library: FontLibrary, outlines: Outlines
) -> None:
    assert texts(lay_out("q\u0303q\u0303b", STYLE, library, outlines, width=0)) == ["q\u0303", "q\u0303", "b"]


def test_a_line_break_is_kept_and_one_at_the_end_adds_no_line(squares: FontLibrary, outlines: Outlines) -> None:
    assert texts(lay_out("AB\n\nC\n", SQUARES, squares, outlines, width=100)) == ["AB", "", "C"]


def test_without_a_width_a_text_is_as_wide_as_its_longest_line(squares: FontLibrary, outlines: Outlines) -> None:
    set_text = lay_out("AB\nABC DE", SQUARES, squares, outlines)
    assert (set_text.width, texts(set_text)) == (60.0, ["AB", "ABC DE"])


@pytest.mark.parametrize("width", [None, 100.0])
def test_an_empty_text_has_no_lines_and_no_ink(library: FontLibrary, outlines: Outlines, width: float | None) -> None:
    empty = lay_out("", STYLE, library, outlines, width=width)
    assert (empty.lines, empty.height, empty.ink, empty.rings()) == ((), 0.0, None, [])
    assert measure("", STYLE, library, width=width) == (0.0, 0.0, 0)


@pytest.mark.parametrize(
    ("align", "latin", "arabic"),
    [
        (Align.START, "left", "right"),
        (Align.END, "right", "left"),
        (Align.LEFT, "left", "left"),
        (Align.RIGHT, "right", "right"),
        (Align.CENTRE, "centre", "centre"),
    ],
)
def test_start_and_end_go_by_the_direction_of_the_paragraph(
    library: FontLibrary, outlines: Outlines, align: Align, latin: str, arabic: str
) -> None:
    style = TextStyle(10.0, align=align)
    lines = lay_out("Anna\nمحمد", style, library, outlines, width=200).lines
    places = {"left": 0.0, "centre": 0.5, "right": 1.0}
    shares = [line.left / (200 - line.advance) for line in lines]
    assert shares == pytest.approx([places[latin], places[arabic]])


def test_arabic_and_latin_share_a_line_in_the_order_of_their_directions(
    library: FontLibrary, outlines: Outlines
) -> None:
    [line] = lay_out("محمد Bob 12 (abc)", STYLE, library, outlines).lines
    places = {placed.glyph.text: placed.x for placed in line.glyphs}
    assert places["B"] < places["1"] < places["("] < places["a"] < places[")"] < places["م"]
    assert line.glyphs[0].glyph.face is not line.glyphs[-1].glyph.face


def test_a_later_line_keeps_the_direction_of_its_paragraph(library: FontLibrary, outlines: Outlines) -> None:
    width = measure("محمد", STYLE, library).width + 1
    lines = lay_out("محمد Bob", STYLE, library, outlines, width=width).lines
    assert [line.text for line in lines] == ["محمد", "Bob"]
    assert [line.left + line.advance for line in lines] == pytest.approx([width, width])


def test_lines_stand_one_leading_apart_below_the_upper_edge(squares: FontLibrary, outlines: Outlines) -> None:
    style = TextStyle(10.0, fonts=SQUARES.fonts, leading=2.0)
    set_text = lay_out("A\nB\nC", style, squares, outlines)
    assert [line.baseline for line in set_text.lines] == pytest.approx([-8.0, -28.0, -48.0])
    assert set_text.frame == pytest.approx((0.0, -50.0, 10.0, 0.0))
    assert set_text.ink == pytest.approx((1.0, -48.0, 9.0, 0.0))


def test_growth_makes_letters_bolder_on_all_sides(squares: FontLibrary, outlines: Outlines) -> None:
    bolder = TextStyle(10.0, fonts=SQUARES.fonts, growth=0.5)
    assert lay_out("A", bolder, squares, outlines).ink == pytest.approx((0.5, -8.5, 9.5, 0.5), abs=0.01)


def test_letters_that_overlap_are_one_filled_shape(squares: FontLibrary, outlines: Outlines) -> None:
    close = TextStyle(10.0, fonts=SQUARES.fonts, spacing=0.5)
    set_text = lay_out("AB", close, squares, outlines)
    assert len(set_text.rings()) == 1
    assert set_text.section().area() == pytest.approx(13 * 8)


def test_the_facts_name_the_fonts_that_drew_a_text(library: FontLibrary, outlines: Outlines) -> None:
    faces = lay_out("Anna محمد", STYLE, library, outlines).faces
    assert {label.partition("[")[0] for label in faces} == {"NotoSans", "NotoSansArabic"}
    assert all(len(digest) == 64 for digest in faces.values())


@pytest.mark.parametrize("measured", [True, False])
def test_a_character_that_no_font_has_is_an_error_that_names_it(
    library: FontLibrary, outlines: Outlines, measured: bool
) -> None:
    with pytest.raises(TextError, match=r"no installed font has U\+E000") as error:
        measure("a\ue000", STYLE, library) if measured else lay_out("a\ue000", STYLE, library, outlines, width=50)
    assert isinstance(error.value, InvalidInputError)
    assert error.value.remedy


def test_an_emoji_without_a_font_is_an_error_that_names_it(outlines: Outlines) -> None:
    without = FontLibrary(system_folders=())
    with pytest.raises(TextError, match=r"no installed font has '😀' \(U\+1F600 GRINNING FACE\)"):
        lay_out(f"a {GRIN}", STYLE, without, outlines)


def test_an_emoji_in_a_text_of_one_colour_is_refused(library: FontLibrary) -> None:
    with pytest.raises(TextError, match="is a colour emoji"):
        measure(GRIN, TextStyle(10.0, colour=False), library)


def test_a_font_that_is_missing_is_never_replaced_in_silence(library: FontLibrary) -> None:
    with pytest.raises(ConfigurationError, match="NoSuchFont"):
        measure("a", TextStyle(10.0, fonts=(FontSpec("NoSuchFont.ttf"),)), library)


def test_a_text_is_measured_as_it_is_set(library: FontLibrary, outlines: Outlines) -> None:
    text = "The quick brown fox\nمحمد and (a) friend"
    set_text = lay_out(text, STYLE, library, outlines, width=60)
    widest = max(line.advance for line in set_text.lines)
    assert measure(text, STYLE, library, width=60) == (widest, set_text.height, len(set_text.lines))


_MADE = st.text(alphabet=f"{JAPANESE}ABC ABC \n", max_size=60)


@settings(max_examples=60, deadline=None)
@given(_MADE, st.integers(1, 12))
def test_no_line_is_too_wide_and_no_letter_is_lost(text: str, letters: int) -> None:
    lines = lay_out(text, SQUARES, _squares(), _OUTLINES, width=10.0 * letters).lines
    assert all(len(line.text) <= letters for line in lines)
    assert "".join(line.text for line in lines).replace(" ", "") == text.replace(" ", "").replace("\n", "")


_OUTLINES = Outlines()


@cache
def _squares() -> FontLibrary:
    folder = Path(tempfile.mkdtemp())
    try:
        japanese(folder)
        library = FontLibrary([folder])
        library.first(SQUARES.fonts)
    finally:
        shutil.rmtree(folder)
    return library
