"""Pictures that do not show what was asked for are found, each fault by its own question."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.mockups.artwork import Artwork, InkLayer
from orchestration.mockups.checks import Answer, check_composite, check_still
from orchestration.mockups.composites.compositing import PlacedDesign, compose
from orchestration.mockups.fabrics import parse_fabric
from orchestration.mockups.garments.library import load_garment
from orchestration.mockups.mockup_request import InkMode
from orchestration.mockups.presets import Preset
from orchestration.mockups.views.renderer import Renderer
from orchestration_tests.mockups.designs.made import BLUE, RED, WHITE, design, disc

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from orchestration.mockups.composites.compositing import Composite

SHIRT = load_garment("mens-tshirt")
QUESTIONS = {"design_there", "right_side", "inside_zone", "not_clipped", "colours_kept"}


def composed(preset: Preset = Preset.CHEST_LARGE, colour: tuple[int, int, int, int] = RED) -> Composite:
    placed = PlacedDesign(design(disc(colour)), preset)
    return compose(SHIRT, parse_fabric("white"), SHIRT.size("L"), [placed], InkMode.AUTO)


def failed(answers: list[Answer]) -> set[str]:
    return {answer.question for answer in answers if not answer.passed}


@pytest.fixture
def composite() -> Composite:
    return composed()


@pytest.fixture
def picture(composite: Composite) -> NDArray[np.uint8]:
    return composite.picture()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    return Renderer(tmp_path_factory.mktemp("passes"))


def test_a_good_composite_passes_all_five(composite: Composite, picture: NDArray[np.uint8]) -> None:
    answers = check_composite(composite, picture)
    assert {answer.question for answer in answers} == QUESTIONS
    assert failed(answers) == set()


def test_a_composite_without_its_design_is_found(composite: Composite) -> None:
    bare = compose(SHIRT, composite.fabric, composite.size, [], InkMode.AUTO).picture()
    assert failed(check_composite(composite, bare)) == {"design_there", "colours_kept"}


def test_ink_on_the_other_side_is_found(composite: Composite, picture: NDArray[np.uint8]) -> None:
    x0, y0, _, _ = SHIRT.panels["back"]
    picture[y0 + 800 : y0 + 900, x0 + 900 : x0 + 1000] = RED
    assert failed(check_composite(composite, picture)) == {"right_side"}


def test_a_design_in_other_colours_is_found(composite: Composite) -> None:
    assert failed(check_composite(composite, composed(colour=BLUE).picture())) == {"colours_kept"}


def test_a_print_beside_the_cloth_is_found(composite: Composite) -> None:
    (one,) = composite.prints
    beside = one._replace(placement=one.placement._replace(left=-400))
    moved = compose(SHIRT, composite.fabric, composite.size, [], InkMode.AUTO)
    moved = type(moved)(moved.garment, moved.fabric, moved.size, (beside,))
    assert failed(check_composite(moved, moved.picture())) == {"inside_zone", "not_clipped"}


def test_a_blank_print_is_expected_to_show_nothing() -> None:
    ghost = composed(colour=WHITE)
    assert failed(check_composite(ghost, ghost.picture())) == set()


def still(engine: Renderer, artwork: Artwork, angle: str) -> NDArray[np.uint8]:
    return engine.still(artwork, angle, size=256, background=None, samples=1)


@pytest.mark.parametrize("preset", [Preset.CHEST_SMALL, Preset.BACK_LARGE])
@pytest.mark.parametrize("angle", ["front_0deg", "back_180deg", "left_90deg"])
def test_good_stills_pass(engine: Renderer, preset: Preset, angle: str) -> None:
    composite = composed(preset)
    assert failed(check_still(composite, still(engine, composite.artwork, angle), angle, engine)) == set()


class WrongSide(Renderer):
    """A renderer that confuses front and back, as the replaced service did."""

    def still(self, artwork: Artwork, angle: str, **options: object) -> NDArray[np.uint8]:
        swapped = {"front_0deg": "back_180deg", "back_180deg": "front_0deg"}.get(angle, angle)
        return super().still(artwork, swapped, **options)  # type: ignore[arg-type]


def test_a_print_that_shows_on_the_other_side_is_found(engine: Renderer) -> None:
    confused = WrongSide.__new__(WrongSide)
    confused.__dict__ = engine.__dict__
    composite = composed(Preset.CHEST_LARGE)
    picture = still(engine, composite.artwork, "front_0deg")
    assert failed(check_still(composite, picture, "front_0deg", confused)) >= {"design_there", "right_side"}
    assert failed(check_still(composite, picture, "back_180deg", confused)) == {"right_side"}


def test_a_garment_that_reaches_the_border_is_found(engine: Renderer, composite: Composite) -> None:
    picture = still(engine, composite.artwork, "front_0deg")[60:200, 60:200]
    assert "not_clipped" in failed(check_still(composite, picture, "front_0deg", engine))


class Slipped(Renderer):
    """A renderer that prints far too low."""

    def still(self, artwork: Artwork, angle: str, **options: object) -> NDArray[np.uint8]:
        whole = all((layer.pixels[:, :, 3] == 255).all() for layer in artwork.ink)
        moved = artwork.ink if whole else tuple(InkLayer(layer.x, layer.y + 500, layer.pixels) for layer in artwork.ink)
        return super().still(Artwork(artwork.garment, artwork.fabric, moved), angle, **options)  # type: ignore[arg-type]


def test_a_print_outside_of_its_place_is_found(engine: Renderer) -> None:
    slipped = Slipped.__new__(Slipped)
    slipped.__dict__ = engine.__dict__
    composite = composed(Preset.CHEST_SMALL)
    picture = still(engine, composite.artwork, "front_0deg")
    assert failed(check_still(composite, picture, "front_0deg", slipped)) == {"inside_zone"}
