"""What a print-readiness report finds at the size at which a design is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageDraw

from orchestration.mockups.designs.background import solid_box
from orchestration.mockups.designs.readiness import Readiness, readiness
from orchestration.mockups.designs.strokes import thin_strokes
from orchestration_tests.mockups.designs.made import BLACK, CLEAR, RED, WHITE, design, disc, filled

if TYPE_CHECKING:
    from numpy.typing import NDArray


def examined(pixels: NDArray[np.uint8], width_mm: float = 100.0) -> Readiness:
    return readiness(design(pixels), width_mm, solid_box(pixels))


def lines(width: int, around: tuple[int, int, int, int] = CLEAR) -> NDArray[np.uint8]:
    """A bold bar and strokes of `width` pixels, on 1000 x 1000: 10 pixels a mm when printed 100 mm wide."""
    image = Image.new("RGBA", (1000, 1000), around)
    draw = ImageDraw.Draw(image)
    draw.rectangle((100, 100, 900, 200), fill=BLACK)
    for y in range(300, 900, 100):
        draw.rectangle((100, y, 900, y + width - 1), fill=BLACK)
    return np.asarray(image)


@pytest.mark.parametrize(("pixels", "dpi", "warned"), [(400, 101.6, True), (590, 149.9, True), (600, 152.4, False)])
def test_resolution_is_that_of_the_print(pixels: int, dpi: float, *, warned: bool) -> None:
    found = examined(filled(RED, (pixels, pixels)))
    assert found.dpi == pytest.approx(dpi, abs=0.1)
    assert any("DPI" in warning for warning in found.warnings()) is warned


def test_transparent_margins_are_measured_on_each_side() -> None:
    pixels = np.zeros((1000, 1000, 4), np.uint8)
    pixels[400:900, 100:950] = RED
    found = examined(pixels)
    assert found.margins == pytest.approx((0.1, 0.4, 0.05, 0.1))
    assert any("fills only 85% of the design's width and 50%" in warning for warning in found.warnings())
    assert examined(disc(RED, CLEAR, (1000, 1000))).margins == pytest.approx((0.05, 0.05, 0.05, 0.05), abs=0.002)


@pytest.mark.parametrize(("width", "warned"), [(2, True), (3, True), (7, False), (12, False)])
def test_strokes_below_half_a_millimetre_are_found(width: int, *, warned: bool) -> None:
    found = examined(lines(width))
    assert (found.thin_strokes is not None) is warned
    assert any("thinner than 0.5 mm" in warning for warning in found.warnings()) is warned


def test_strokes_are_found_on_a_box_as_well() -> None:
    found = examined(lines(2, WHITE))
    assert found.thin_strokes is not None
    assert found.thin_strokes.box[1] == pytest.approx(0.3, abs=0.02)


def test_the_same_strokes_are_bold_enough_when_printed_larger() -> None:
    assert thin_strokes(lines(3)[:, :, 3], 100.0)
    assert thin_strokes(lines(3)[:, :, 3], 400.0) is None


def test_corners_are_no_thin_strokes() -> None:
    star = Image.new("L", (1000, 1000), 0)
    ImageDraw.Draw(star).regular_polygon((500, 500, 450), 5, fill=255)
    assert thin_strokes(np.asarray(star), 100.0) is None


@pytest.mark.parametrize("pixels", [filled(CLEAR), filled(RED, (1, 1)), filled(RED, (1, 4000)), filled(RED, (4000, 1))])
def test_odd_designs_are_examined_without_trouble(pixels: NDArray[np.uint8]) -> None:
    assert examined(pixels).thin_strokes is None


def test_a_box_is_opaque_of_one_colour_and_has_something_on_it() -> None:
    found = solid_box(disc(RED, WHITE))
    assert found is not None
    assert found.colour.hex == "#FFFFFF"
    assert 0.3 < found.share < 0.4
    for pixels in (disc(RED), filled(RED), filled(CLEAR)):
        assert solid_box(pixels) is None
    gradient = np.asarray(Image.linear_gradient("L").convert("RGBA"))
    assert solid_box(gradient) is None
