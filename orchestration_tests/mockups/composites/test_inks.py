"""What three ways of printing leave on a fabric."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageFilter

from orchestration.mockups.composites.inks import half_transparent, ink_mode, printed
from orchestration.mockups.fabrics import Colour, parse_fabric, to_linear, to_srgb
from orchestration.mockups.mockup_request import InkMode
from orchestration_tests.mockups.designs.made import BLACK, CLEAR, RED, WHITE, disc, filled

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHADOW = (0, 0, 0, 128)
GHOST = (255, 0, 0, 40)


def look(pixels: NDArray[np.uint8], fabric: str, mode: InkMode) -> NDArray[np.uint8]:
    """The print on its fabric."""
    cloth = parse_fabric(fabric).colour
    ink = printed(pixels, cloth, mode)
    share = ink[:, :, 3:] / 255
    return to_srgb(to_linear(ink[:, :, :3]) * share + to_linear(np.array(cloth.rgb, np.uint8)) * (1 - share))


def middle(pixels: NDArray[np.uint8]) -> tuple[int, ...]:
    height, width = pixels.shape[:2]
    return tuple(int(value) for value in pixels[height // 2, width // 2])


@pytest.mark.parametrize(
    ("fabric", "mode"),
    [("white", "dtg-light"), ("beige", "dtg-light"), ("light-grey", "dtg-light"), ("black", "dtg-dark"),
     ("yellow", "dtg-dark"), ("dark-gray", "dtg-dark"), ("red", "dtg-dark")],
)  # fmt: skip
def test_only_pale_fabrics_are_printed_without_white_beneath(fabric: str, mode: str) -> None:
    assert ink_mode(InkMode.AUTO, parse_fabric(fabric).colour) == mode
    assert ink_mode(InkMode.DTF, parse_fabric(fabric).colour) == "dtf"


def test_there_is_no_white_ink_on_white() -> None:
    ink = printed(filled(WHITE), Colour(255, 255, 255), InkMode.DTG_LIGHT)
    assert (ink[:, :, 3] == 0).all()


def test_white_of_a_design_shows_the_colour_of_a_light_fabric() -> None:
    assert middle(look(filled(WHITE), "cream", InkMode.DTG_LIGHT)) == (255, 253, 208)


def test_transparent_inks_are_darkened_by_the_fabric() -> None:
    assert middle(look(filled(RED), "white", InkMode.DTG_LIGHT)) == RED[:3]
    on_grey = middle(look(filled(RED), "gray", InkMode.DTG_LIGHT))
    assert all(one < other for one, other in zip(on_grey, RED[:3], strict=True))


@pytest.mark.parametrize("mode", [InkMode.DTG_DARK, InkMode.DTF])
@pytest.mark.parametrize("colour", [RED, WHITE, BLACK])
def test_opaque_ink_on_white_keeps_its_colour_on_black(mode: InkMode, colour: tuple[int, int, int, int]) -> None:
    assert middle(look(filled(colour), "black", mode)) == colour[:3]


def test_a_soft_shadow_on_black_comes_out_grey_with_white_beneath() -> None:
    shown = middle(look(filled(SHADOW), "black", InkMode.DTG_DARK))
    assert 100 < shown[0] < 160
    assert len(set(shown)) == 1


def test_film_covers_the_fabric_or_drops() -> None:
    assert min(middle(look(filled(SHADOW), "black", InkMode.DTF))) > 150
    assert middle(look(filled(GHOST), "black", InkMode.DTF)) == (0, 0, 0)


def test_smoothed_edges_are_no_half_transparent_ink() -> None:
    smooth = np.asarray(Image.fromarray(disc(RED, CLEAR, (1200, 800))).resize((300, 200), Image.Resampling.LANCZOS))
    assert ((smooth[:, :, 3] > 20) & (smooth[:, :, 3] < 235)).any()
    assert not half_transparent(smooth).any()
    assert look(smooth, "black", InkMode.DTG_DARK)[:, :, 1].max() <= RED[1] + 4


def test_a_blurred_shadow_is_half_transparent_ink() -> None:
    blurred = np.asarray(Image.fromarray(disc(BLACK)).filter(ImageFilter.GaussianBlur(24)))
    assert half_transparent(blurred).mean() > 0.1


def test_a_design_that_is_opaque_to_its_border_has_no_soft_pixels() -> None:
    assert not half_transparent(filled(RED)).any()
