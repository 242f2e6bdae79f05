"""Names as designs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from orchestration.lettering.fonts import FontLibrary
from orchestration.mockups.designs.lettered import design_from_text, lines_of, text_size
from orchestration.mockups.fabrics import Colour
from orchestration.mockups.refusals import MockupRefusedError, RefusalCode

if TYPE_CHECKING:
    from orchestration.mockups.designs.design import Design

NAVY = Colour(0, 0, 128)


@pytest.fixture(scope="module")
def library() -> FontLibrary:
    return FontLibrary()


def lettered(text: str, library: FontLibrary) -> Design:
    return design_from_text(text, NAVY, library)


@pytest.mark.parametrize("text", ["Anna", "محمد", "Zoë / & / Jürgen"])
def test_a_name_is_cut_to_its_ink_in_its_colour(text: str, library: FontLibrary) -> None:
    design = lettered(text, library)
    alpha = design.pixels[:, :, 3]
    assert max(design.size) == pytest.approx(3600, abs=4)
    for edge in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]):
        assert edge.any()
    assert (design.pixels[alpha == 255][:, :3] == NAVY.rgb).all()
    assert design.has_alpha


@pytest.mark.parametrize("text", ["Anna", "gy", "Zoë / & / Jürgen"])
def test_its_size_is_known_without_drawing(text: str, library: FontLibrary) -> None:
    assert text_size(text, library) == pytest.approx(lettered(text, library).size, abs=6)


def test_lines_are_parted_by_slashes_and_breaks() -> None:
    assert lines_of(" Anna/Berta\\Clara\nDora ") == ["Anna", "Berta", "Clara", "Dora"]


def test_the_same_text_in_another_colour_is_another_design(library: FontLibrary) -> None:
    digests = {design_from_text("Jo", colour, library).sha256 for colour in (NAVY, NAVY, Colour(1, 0, 128))}
    assert len(digests) == 2


@pytest.mark.parametrize(
    "text", ["", "  ", "/", "a" * 121, "a/b/c/d/e/f/g", "An\x00na", "A\u200bnna", "\ud800", "\ufdd0"]
)
def test_what_cannot_be_set_is_refused_in_one_line(text: str, library: FontLibrary) -> None:
    for refuse in (lettered, text_size):
        with pytest.raises(MockupRefusedError) as caught:
            refuse(text, library)
        assert caught.value.code is RefusalCode.VALIDATION_ERROR
        assert "\n" not in str(caught.value)


def test_holes_of_letters_are_transparent(library: FontLibrary) -> None:
    design = lettered("O", library)
    assert design.pixels[design.height // 2, design.width // 2, 3] == 0
    assert np.count_nonzero(design.pixels[:, :, 3]) > 0.3 * design.width * design.height
