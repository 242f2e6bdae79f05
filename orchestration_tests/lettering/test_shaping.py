"""Fonts, fallbacks and the places of glyphs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.errors import ConfigurationError
from orchestration.lettering.errors import TextError
from orchestration.lettering.fonts import BOLD, FontLibrary, FontSpec
from orchestration.lettering.shaping import clusters, shape_line

if TYPE_CHECKING:
    from pathlib import Path

ROBOTO = FontSpec("RobotoCondensed[wght].ttf", BOLD)
ARABIC = "NotoSansArabic[wdth,wght].ttf"


def test_the_designs_face_draws_what_it_has_and_a_fallback_the_rest(library: FontLibrary) -> None:
    shaped = shape_line("Anna محمد", library.first([ROBOTO]), library)
    files = {glyph.text: glyph.face.spec.file for glyph in shaped.glyphs}
    assert files["A"] == ROBOTO.file
    assert files["م"] == ARABIC


def test_arabic_letters_are_joined_and_run_from_right_to_left(library: FontLibrary) -> None:
    face = library.first([ROBOTO])
    word = [glyph for glyph in shape_line("سم", face, library).glyphs if glyph.text in "سم"]
    assert [glyph.text for glyph in sorted(word, key=lambda glyph: glyph.x)] == ["م", "س"]
    alone = {glyph.number for letter in "سم" for glyph in shape_line(letter, face, library).glyphs}
    assert alone.isdisjoint(glyph.number for glyph in word)


def test_letter_spacing_moves_letters_but_tears_no_joined_script(library: FontLibrary) -> None:
    face = library.first([ROBOTO])
    assert shape_line("AB", face, library, spacing=0.5).advance == pytest.approx(
        shape_line("AB", face, library).advance / 2
    )
    assert shape_line("محمد", face, library, spacing=0.5).advance == shape_line("محمد", face, library).advance


def test_a_mark_keeps_its_place_over_its_letter_when_letters_move_together(library: FontLibrary) -> None:
    face = library.first([ROBOTO])

    def mark_offset(spacing: float) -> float:
        letters = shape_line("aq\u0303", face, library, spacing=spacing).glyphs
        return letters[-1].x - letters[-2].x

    assert mark_offset(0.8) == pytest.approx(mark_offset(1.0))


def test_a_letter_and_its_marks_are_never_drawn_by_two_fonts(library: FontLibrary) -> None:
    shaped = shape_line("q\u0303", library.first([FontSpec("Anton-Regular.ttf")]), library)
    assert len({glyph.face.spec for glyph in shaped.glyphs}) == 1


def test_clusters_keep_marks_and_joiners_with_their_letter() -> None:
    assert clusters("aq\u0303b") == ["a", "q\u0303", "b"]
    assert clusters("क्\u200dष") == ["क्\u200dष"]


@pytest.mark.parametrize("text", ["\ue000", "\U000f0000"])
def test_a_character_that_no_font_has_is_refused_by_name(text: str, library: FontLibrary) -> None:
    with pytest.raises(TextError, match=f"no installed font has U\\+{ord(text):04X}"):
        shape_line(text, library.first([ROBOTO]), library)


def test_a_missing_font_is_an_error_and_never_replaced_in_silence(library: FontLibrary) -> None:
    with pytest.raises(ConfigurationError, match=r"NoSuchFont\.ttf"):
        library.first([FontSpec("NoSuchFont.ttf")])


def test_a_further_folder_wins_over_the_packages(tmp_path: Path, library: FontLibrary) -> None:
    anton = library.first([FontSpec("Anton-Regular.ttf")]).path
    (tmp_path / ROBOTO.file).write_bytes(anton.read_bytes())
    mine = FontLibrary([tmp_path])
    assert mine.first([FontSpec(ROBOTO.file)]).path == tmp_path / ROBOTO.file


def test_a_fonts_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not a folder"):
        FontLibrary([tmp_path / "none"])
