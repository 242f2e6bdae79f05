"""Letters by their outlines: evenly apart, and none grown into the next."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from orchestration.lettering.fonts import BOLD, FontSpec
from orchestration.lettering.layout import place_line
from orchestration.lettering.outlines import Outlines, Scale
from orchestration.lettering.shaping import shape_line
from orchestration.lettering.spacing import SpacingRule, spaced

if TYPE_CHECKING:
    from orchestration.lettering.fonts import FontLibrary
    from orchestration.lettering.layout import Placed

CONDENSED = (FontSpec("RobotoCondensed[wght].ttf", BOLD), FontSpec("RobotoCondensed-Bold.ttf"))
SCALE = Scale(25.0, growth=0.18)
RULE = SpacingRule(least=0.5, mean=1.0, deep=3.0)


def row(text: str, library: FontLibrary, *, spacing: float = 0.83, rule: SpacingRule | None = RULE) -> list[Placed]:
    shaped = shape_line(text, library.first(CONDENSED), library, spacing=spacing)
    placed = place_line(shaped, Outlines(), SCALE)
    return spaced(placed, rule) if rule else placed


def overlaps(letters: list[Placed]) -> list[float]:
    """The area that each letter shares with the next, in mm\u00b2."""
    return [(before.section ^ after.section).area() for before, after in pairwise(letters)]


@pytest.mark.parametrize("text", ["MILLIE", "HEIDI", "NEIL", "WILLIAM", "PHILIPP", "FIFI", "\u0418\u043b\u0438\u044f"])
def test_feet_and_stems_of_neighbours_never_grow_together(text: str, library: FontLibrary) -> None:
    assert max(overlaps(row(text, library, rule=None))) > 0.1, "the factor alone makes a comb of this one"
    assert max(overlaps(row(text, library))) == 0


@pytest.mark.parametrize("text", ["Charlotte", "Dexter", "TYLER", "ROCCO", "minimum", "\u0395\u03bb\u03ad\u03bd\u03b7"])
def test_round_and_slanted_neighbours_do_not_touch_either(text: str, library: FontLibrary) -> None:
    assert max(overlaps(row(text, library))) == 0


def test_stems_are_equally_far_from_each_other(library: FontLibrary) -> None:
    letters = row("IlIHII", library)
    gaps = [after.box.left - before.box.right for before, after in pairwise(letters)]
    assert np.ptp(gaps) < 0.05


def test_a_space_stays_as_wide_as_it_was_and_what_joins_stays_joined(library: FontLibrary) -> None:
    for text in ("I I", "\u0645\u062d\u0645\u062f"):
        before, after = row(text, library, rule=None), row(text, library)
        assert [placed.x for placed in after] == pytest.approx([placed.x for placed in before])


def test_a_mark_moves_with_its_letter(library: FontLibrary) -> None:
    text = "IIx\u0302"
    before, after = row(text, library, rule=None), row(text, library)
    assert len(before) == 4
    assert after[3].x - after[2].x == pytest.approx(before[3].x - before[2].x)


def test_a_font_that_steps_in_has_capitals_as_high_as_the_others(library: FontLibrary) -> None:
    anton = library.first([FontSpec("Anton-Regular.ttf")])

    def height(text: str, *, level_capitals: bool) -> float:
        [letter] = place_line(shape_line(text, anton, library, level_capitals=level_capitals), Outlines(), Scale(20.0))
        return letter.box.top - letter.box.bottom

    latin = height("H", level_capitals=True)
    for foreign in ("\u0418", "\u0397"):
        assert height(foreign, level_capitals=True) == pytest.approx(latin, abs=0.05)
        assert height(foreign, level_capitals=False) < 0.9 * latin
