"""Products that are rendered: their colours, their print, and what is said when a rendering is missing."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from orchestration.demo.drawing.paint import inks
from orchestration.demo.rendered.__main__ import VIEWS
from orchestration.demo.rendered.garment import DATA, RenderedGarment
from orchestration.errors import ConfigurationError

SIZE = 100
WALL = Image.new("RGB", (SIZE, SIZE), (250, 250, 250))


def middle(
    garment: RenderedGarment, body: str, *, top: int = 45, view: str = "front", is_printed: bool = False
) -> list[float]:
    """The mean colour of a square in the picture's middle."""
    picture = garment.painted(view, WALL, inks(body, "2E7D5B"), is_printed=is_printed)
    mean: list[float] = np.asarray(picture)[top : top + 10, 45:55].reshape(-1, 3).mean(axis=0).tolist()
    return mean


@pytest.mark.parametrize("template", ["mens-tshirt", "womens-tshirt", "tote-bag"])
def test_cloth_has_its_colour_and_its_shades(template: str) -> None:
    red, _, blue = middle(RenderedGarment(template), "C02020")
    assert red > 120
    assert blue < 90
    lightness = [sum(middle(RenderedGarment(template), grey * 3)) for grey in ("10", "60", "A0", "F0")]
    assert lightness == sorted(lightness)


def test_a_print_and_a_base_have_colours_of_their_own() -> None:
    bag = RenderedGarment("tote-bag")
    assert sum(middle(bag, "202024", top=66, is_printed=True)) > sum(middle(bag, "202024", top=66)) + 100
    red, green, blue = middle(RenderedGarment("tote-bag", two_tone=True), "F4F4F4", top=80)
    assert green > max(red, blue) + 12
    assert np.ptp(middle(RenderedGarment("tote-bag", two_tone=True), "F4F4F4", top=55)) < 12


def test_every_file_is_made_by_the_target_and_a_missing_one_names_it() -> None:
    made = {
        f"{view.template_id}_{name}.webp"
        for view in VIEWS
        for name in (view.name, *(f"{view.name}_{mask}" for mask in view.masks))
    }
    assert made == {path.name for path in DATA.iterdir()}
    with pytest.raises(ConfigurationError, match=r"womens-tshirt_reverse.webp is missing; run `make pictures`"):
        middle(RenderedGarment("womens-tshirt"), "F4F4F4", view="reverse")
