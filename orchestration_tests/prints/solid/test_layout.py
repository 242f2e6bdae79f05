"""Where the lines of a product stand: apart, by their outlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.lettering.offsets import grow
from orchestration.prints.solid.designs import DUAL_COLOUR, NEW3, STYLE3, TagDesign
from orchestration.prints.solid.layout import lay_out
from orchestration.prints.solid.request import OrderLine
from orchestration_tests.prints.solid.test_renderer import CLIP

if TYPE_CHECKING:
    from orchestration.lettering.fonts import FontLibrary
    from orchestration.lettering.outlines import Outlines
    from orchestration.prints.solid.renderer import Renderer


@pytest.mark.parametrize("design", [DUAL_COLOUR, STYLE3, NEW3])
@pytest.mark.parametrize(
    "text", ["\u00c5\u00c9\u00ce/\u00c7\u00d1\u00dc", "gypsy/\u00c5ke/\u00c9b\u00e8ne", "12/05/2020", "Anna/Bea/Chloe"]
)
def test_the_accents_of_a_line_stay_clear_of_the_line_above(
    design: TagDesign, text: str, library: FontLibrary, outlines: Outlines
) -> None:
    block = lay_out(text.split("/"), design.lettering, library, outlines)
    for above, below in zip(block.lines, block.lines[1:], strict=False):
        for upper in above.glyphs:
            for lower in below.glyphs:
                assert (grow(upper.section, design.lettering.line_gap - 0.05) ^ lower.section).is_empty()


def test_a_font_that_steps_in_is_named_for_review(renderer: Renderer) -> None:
    [note] = renderer.render(OrderLine(CLIP, "Mia \u042e\u043b\u0438\u044f", "Blue", "White")).review
    assert "'\u042e\u043b\u0438\u044f'" in note
    assert "Noto" in note
    assert not renderer.render(OrderLine(CLIP, "Mia", "Blue", "White")).review
