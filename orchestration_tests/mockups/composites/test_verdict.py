"""Whether a print is seen on its fabric, in the words that a customer gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.mockups.composites.inks import ink_mode
from orchestration.mockups.composites.verdict import FabricFit, Verdict, fit
from orchestration.mockups.designs.background import solid_box
from orchestration.mockups.fabrics import parse_fabric
from orchestration.mockups.mockup_request import InkMode
from orchestration_tests.mockups.designs.made import BLACK, BLUE, CLEAR, RED, WHITE, disc, filled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEON = (0, 255, 0, 255)


def judged(pixels: NDArray[np.uint8], fabric: str, ink: InkMode = InkMode.AUTO) -> FabricFit:
    cloth = parse_fabric(fabric).colour
    return fit(pixels, cloth, ink_mode(ink, cloth), solid_box(pixels))


@pytest.mark.parametrize(
    ("colour", "fabric", "verdict"),
    [(WHITE, "white", "blank"), (WHITE, "cream", "blank"), (WHITE, "black", "printable"), (RED, "white", "printable"),
     (BLACK, "black", "blank"), (RED, "red", "printable"), (BLUE, "blue", "printable"), (CLEAR, "white", "blank")],
)  # fmt: skip
def test_one_colour_on_a_fabric_is_seen_or_not(colour: tuple[int, int, int, int], fabric: str, verdict: str) -> None:
    assert judged(disc(colour), fabric).verdict == verdict


def test_a_design_that_is_half_lost_is_weak_and_names_the_lost_colour() -> None:
    pixels = filled(WHITE, (400, 400)).copy()
    pixels[:, :150] = RED
    found = judged(pixels, "white")
    assert found.verdict is Verdict.WEAK
    assert found.visible == pytest.approx(150 / 400, abs=0.02)
    assert found.lost[0].colour.hex == "#FFFFFF"
    assert found.lost[0].share == pytest.approx(250 / 400, abs=0.02)
    assert "#FFFFFF is too near to the fabric" in next(iter(found.warnings()))


def test_a_logo_on_a_white_box_is_fine_on_white_and_boxed_on_black() -> None:
    logo = disc(RED, WHITE)
    assert judged(logo, "white").verdict is Verdict.PRINTABLE
    assert list(judged(logo, "white").warnings()) == []
    (warning,) = judged(logo, "black").warnings()
    assert warning.startswith("the design stands on a solid box of #FFFFFF")


def test_half_transparent_ink_is_measured_with_its_box() -> None:
    pixels = disc(RED, CLEAR, (400, 400)).copy()
    pixels[300:380, 40:360] = (0, 0, 0, 120)
    found = judged(pixels, "navy")
    assert found.half_transparent == pytest.approx(80 * 320 / (pixels[:, :, 3] > 0).sum(), rel=0.1)
    assert found.soft_box == pytest.approx((0.1, 0.75, 0.9, 0.95), abs=0.02)
    assert any("comes out milky" in warning for warning in found.warnings())
    assert any("dropped" in warning for warning in judged(pixels, "navy", InkMode.DTF).warnings())
    assert not any("half transparent" in warning for warning in judged(pixels, "white").warnings())


def test_colours_that_no_ink_reaches_are_counted() -> None:
    assert judged(disc(NEON), "white").outside_gamut > 0.9
    assert judged(disc((120, 90, 80, 255)), "white").outside_gamut == 0


def test_a_design_without_ink_says_so() -> None:
    (warning,) = judged(filled(CLEAR), "white").warnings()
    assert "fully transparent" in warning


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (2, 2)])
def test_designs_of_any_shape_are_judged(size: tuple[int, int]) -> None:
    assert judged(filled(RED, size), "black").verdict is Verdict.PRINTABLE
