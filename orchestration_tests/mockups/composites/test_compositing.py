"""A design on the flat garment, pixel by pixel: each preset's place and size against the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from orchestration.mockups.composites.compositing import PlacedDesign, compose, place_on
from orchestration.mockups.composites.flat_art import GROUND, coverage, flat_art
from orchestration.mockups.fabrics import parse_fabric
from orchestration.mockups.garments.library import garments, load_garment
from orchestration.mockups.mockup_request import InkMode
from orchestration.mockups.presets import Adjustment, Preset, Side
from orchestration.mockups.refusals import MockupRefusedError
from orchestration_tests.mockups.designs.made import BLUE, CLEAR, RED, WHITE, design, disc, filled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orchestration.mockups.composites.compositing import Composite
    from orchestration.mockups.garments.model import Garment

SHIRT = load_garment("mens-tshirt")
# Panel, scale, margin, height of the middle, greatest height: the table of the service that this one replaces.
TABLE = {
    "chest-small": ("front", 0.45, 0.15, 0.15, 0.25),
    "chest-medium": ("front", 0.60, 0.12, 0.22, 0.35),
    "chest-large": ("front", 0.75, 0.08, 0.50, 0.80),
    "back-small": ("back", 0.40, 0.15, 0.12, 0.20),
    "back-medium": ("back", 0.60, 0.12, 0.30, 0.35),
    "back-large": ("back", 0.70, 0.10, 0.25, 0.50),
    "back-bottom-small": ("back", 0.50, 0.10, 0.80, 0.25),
    "back-bottom-medium": ("back", 0.60, 0.10, 0.75, 0.35),
    "back-bottom-large": ("back", 0.65, 0.08, 0.70, 0.45),
}


def composed(*designs: PlacedDesign, fabric: str = "white", ink: InkMode = InkMode.AUTO, size: str = "L") -> Composite:
    return compose(SHIRT, parse_fabric(fabric), SHIRT.size(size), designs, ink)


def printed_box(picture: NDArray[np.uint8], bare: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Left, top, width and height of all that differs from the empty template."""
    changed = picture.view(np.uint32)[:, :, 0] != bare.view(np.uint32)[:, :, 0]
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    return int(columns[0]), int(rows[0]), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


def by_the_table(preset: str, aspect: float) -> tuple[int, int, int, int]:
    """The rule in the words of the fact sheet, apart from the code under test."""
    panel, scale, margin, middle, highest = TABLE[preset]
    side = SHIRT.canvas_px // 2
    origin = (0 if panel == "front" else side, side)
    printable = side - 2 * side * margin
    width = printable * scale
    height = width * aspect
    if height > printable * highest:
        height = printable * highest
        width = height / aspect
    x = origin[0] + side / 2
    y = origin[1] + side * margin + printable * middle
    return int(x - int(width) / 2), int(y - int(height) / 2), int(width), int(height)


@pytest.fixture(scope="module")
def bare() -> NDArray[np.uint8]:
    """The empty template in white."""
    return flat_art(SHIRT, parse_fabric("white").colour)


@pytest.mark.parametrize("preset", TABLE)
@pytest.mark.parametrize("size", [(240, 60), (50, 150)], ids=["wide", "tall"])
def test_each_preset_prints_where_the_table_has_it(preset: str, size: tuple[int, int], bare: NDArray[np.uint8]) -> None:
    picture = composed(PlacedDesign(design(filled(RED, size)), Preset(preset))).picture()
    left, top, width, height = printed_box(picture, bare)
    assert (left, top, width, height) == by_the_table(preset, size[1] / size[0])
    assert width / height == pytest.approx(size[0] / size[1], rel=0.02)
    assert (picture[top : top + height, left : left + width] == RED).all()
    panel = SHIRT.panels[TABLE[preset][0]]
    assert panel.x0 <= left
    assert left + width <= panel.x1


def test_the_front_is_the_piece_with_the_deep_neck() -> None:
    mask = coverage(SHIRT)
    deep = {side: int((mask[SHIRT.panels[side].y0 :, sum(SHIRT.panels[side][::2]) // 2] > 200).sum()) for side in Side}
    assert deep[Side.FRONT] < deep[Side.BACK]


def test_a_front_and_a_back_share_one_composite() -> None:
    one = PlacedDesign(design(filled(RED)), Preset.CHEST_SMALL)
    composite = composed(one, PlacedDesign(design(filled(BLUE)), Preset.BACK_LARGE))
    picture = composite.picture()
    for printed, colour in zip(composite.prints, (RED, BLUE), strict=True):
        x0, y0, x1, y1 = printed.placement.box
        assert (picture[y0:y1, x0:x1] == colour).all()
    assert [layer.x for layer in composite.artwork.ink] == [one.placement.left for one in composite.prints]
    assert composite.artwork is composite.artwork


def test_two_designs_on_one_side_are_refused() -> None:
    one, other = (PlacedDesign(design(filled(RED)), preset) for preset in (Preset.CHEST_SMALL, Preset.CHEST_LARGE))
    with pytest.raises(MockupRefusedError, match="chest-small and chest-large both print on the front"):
        composed(one, other)


def test_the_fabric_fills_the_pieces_with_soft_edges_on_dark_ground() -> None:
    picture = composed(fabric="orange").picture()
    assert picture.shape == (4096, 4096, 4)
    assert (picture[:, :, 3] == 255).all()
    assert tuple(picture[4, 4, :3]) == GROUND
    x0, y0, x1, y1 = SHIRT.panels[Side.FRONT]
    assert tuple(picture[(y0 + y1) // 2, (x0 + x1) // 2, :3]) == (255, 165, 0)
    shades = {tuple(shade) for shade in picture[2800, 60:160, :3].tolist()}
    assert len(shades - {GROUND, (255, 165, 0)}) >= 2


def test_a_transparent_design_leaves_the_garment_bare() -> None:
    picture = composed(PlacedDesign(design(filled(CLEAR)), Preset.CHEST_LARGE)).picture()
    assert (picture == flat_art(SHIRT, parse_fabric("white").colour)).all()


def test_scaling_draws_no_dark_rim_out_of_transparent_pixels() -> None:
    composite = composed(PlacedDesign(design(disc(WHITE, CLEAR, (3000, 3000))), Preset.CHEST_SMALL), fabric="navy")
    ink = composite.prints[0].ink
    assert (ink[ink[:, :, 3] > 40][:, :3] >= 250).all()


def test_a_smaller_size_makes_the_print_smaller_by_the_garments_rule() -> None:
    large, small = (
        composed(PlacedDesign(design(filled(RED)), Preset.CHEST_LARGE), size=size).real_mm for size in ("L", "S")
    )
    assert small / large == pytest.approx(SHIRT.size("S").print_scale)


def test_a_width_in_mm_is_that_of_the_size_that_is_asked_for() -> None:
    for size in ("S", "L", "3XL"):
        wish = PlacedDesign(design(filled(RED, (100, 50))), Preset.CHEST_SMALL, Adjustment(width_mm=120))
        composite = composed(wish, size=size)
        assert composite.prints[0].placement.width * composite.real_mm == pytest.approx(120, abs=0.5)


@pytest.mark.parametrize("garment", garments(), ids=lambda garment: garment.template_id)
def test_no_preset_of_a_garment_prints_beside_its_cloth(garment: Garment) -> None:
    for name in garment.presets:
        for size in ((100, 100), (400, 100), (100, 400)):
            box = place_on(garment, garment.sizes[0], size, Preset(name), Adjustment()).box
            assert (coverage(garment)[box.y0 : box.y1, box.x0 : box.x1] > 200).all(), (name, size)
