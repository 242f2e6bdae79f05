"""Texts as pixels: masks with smooth edges, and pictures with emoji in their own colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from orchestration.lettering.errors import TextError
from orchestration.lettering.fonts import FontLibrary, FontSpec
from orchestration.lettering.layout import Box
from orchestration.lettering.paragraph import TextStyle, lay_out
from orchestration.lettering.raster import fill, mask, paint
from orchestration_tests.lettering.made_fonts import GRIN, bitmap_emoji, japanese, layered_emoji

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from orchestration.lettering.outlines import Outlines

SQUARES = TextStyle(10.0, fonts=(FontSpec("squares.ttf"),))
STYLE = TextStyle(20.0, tolerance=0.05)


@pytest.fixture
def squares(tmp_path: Path) -> FontLibrary:
    japanese(tmp_path)
    return FontLibrary([tmp_path])


def test_a_mask_is_full_inside_of_a_letter_and_empty_outside(squares: FontLibrary, outlines: Outlines) -> None:
    covered = mask(lay_out("A", SQUARES, squares, outlines))
    assert covered.shape == (10, 10)
    assert (covered[:8, 1:9] == 255).all()
    assert covered.astype(int).sum() == 64 * 255


def test_a_mask_has_smooth_edges(squares: FontLibrary, outlines: Outlines) -> None:
    text = lay_out("A", SQUARES, squares, outlines)
    covered = mask(text, box=Box(0.5, -10.0, 10.5, 0.0))
    assert covered[4].tolist() == pytest.approx([127, *[255] * 7, 127, 0], abs=2)


def test_what_a_mask_covers_is_what_the_outlines_cover(library: FontLibrary, outlines: Outlines) -> None:
    text = lay_out("Böse & محمد 8", STYLE, library, outlines)
    covered = mask(text, resolution=4.0)
    assert covered.shape[0] == int(np.ceil(4 * text.height))
    assert covered.astype(float).sum() / 255 / 16 == pytest.approx(text.section().area(), rel=0.01)


def test_the_holes_of_letters_stay_empty(library: FontLibrary, outlines: Outlines) -> None:
    text = lay_out("O", STYLE, library, outlines)
    assert text.ink is not None
    left, bottom, right, top = text.ink
    covered = mask(text, box=text.ink, resolution=2.0)
    assert covered[round(top - bottom), round(right - left)] == 0


def test_an_empty_text_and_spaces_are_an_empty_mask(library: FontLibrary, outlines: Outlines) -> None:
    assert mask(lay_out("", STYLE, library, outlines)).tolist() == [[0]]
    assert not mask(lay_out(" ", STYLE, library, outlines, width=30)).any()


def test_a_picture_that_would_be_too_large_is_an_error(library: FontLibrary, outlines: Outlines) -> None:
    text = lay_out("A", STYLE, library, outlines)
    with pytest.raises(TextError, match="more than 16384 on a side: shorten the text, or draw it smaller"):
        mask(text, resolution=1e4)


def test_overlapping_rings_are_filled_once() -> None:
    ring = np.array([(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0)])
    assert (fill([ring, ring[:]], Box(0, 0, 4, 4)) == 255).all()
    assert (fill([ring, ring[::-1]], Box(0, 0, 4, 4)) == 0).all()


def test_letters_are_painted_in_their_colour_with_their_coverage_as_alpha(
    library: FontLibrary, outlines: Outlines
) -> None:
    text = lay_out("Anna", STYLE, library, outlines)
    pixels = paint(text, (10, 20, 200))
    assert (pixels[:, :, 3] == mask(text)).all()
    assert (pixels[pixels[:, :, 3] > 0][:, :3] == (10, 20, 200)).all()


@pytest.mark.parametrize(
    ("write", "upper", "lower"),
    [(layered_emoji, (255, 0, 0, 255), (255, 0, 0, 255)), (bitmap_emoji, (0, 255, 0, 128), (0, 255, 0, 255))],
)
def test_an_emoji_is_painted_in_its_own_colours_among_letters(
    tmp_path: Path,
    outlines: Outlines,
    write: Callable[[Path], None],
    upper: tuple[int, ...],
    lower: tuple[int, ...],
) -> None:
    write(tmp_path)
    text = lay_out(f"I{GRIN}I", STYLE, FontLibrary([tmp_path]), outlines)
    [picture] = text.pictures
    pixels = paint(text, (0, 0, 255))
    column, baseline = round(picture.x + 10), round(-picture.y)
    assert pixels[baseline - 15, column].tolist() == pytest.approx(upper, abs=2)
    assert pixels[baseline - 5, column].tolist() == pytest.approx(lower, abs=2)
    letters = pixels[:, : int(picture.x) - 1]
    assert (letters[letters[:, :, 3] > 0][:, :3] == (0, 0, 255)).all()
    assert text.lines[0].glyphs[-1].x == pytest.approx(picture.x + 20, abs=3)


@pytest.mark.parametrize("write", [layered_emoji, bitmap_emoji])
def test_an_emoji_that_reaches_out_of_the_picture_is_cut(
    tmp_path: Path, outlines: Outlines, write: Callable[[Path], None]
) -> None:
    write(tmp_path)
    text = lay_out(GRIN, STYLE, FontLibrary([tmp_path]), outlines)
    whole = paint(text, (0, 0, 0))
    inner = paint(text, (0, 0, 0), box=Box(5.0, -12.0, 15.0, -4.0))
    assert (inner == whole[4:12, 5:15]).all()
    assert not paint(text, (0, 0, 0), box=Box(100.0, 0.0, 110.0, 10.0)).any()


def test_a_mask_of_an_emoji_that_has_no_outline_is_an_error(tmp_path: Path, outlines: Outlines) -> None:
    layered_emoji(tmp_path)
    text = lay_out(GRIN, STYLE, FontLibrary([tmp_path]), outlines)
    with pytest.raises(TextError, match=r"U\+1F600 GRINNING FACE\) is a colour picture without an outline"):
        mask(text)
