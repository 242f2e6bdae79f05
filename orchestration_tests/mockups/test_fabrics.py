"""Colours of fabrics and backgrounds as people write them."""

from __future__ import annotations

import numpy as np
import pytest

from orchestration.mockups.fabrics import (
    FABRICS,
    Colour,
    Fabric,
    lab,
    parse_background,
    parse_fabric,
    to_linear,
    to_srgb,
)
from orchestration.mockups.refusals import MockupRefusedError, RefusalCode


@pytest.mark.parametrize(
    ("text", "name", "rgb"),
    [
        ("navy", "navy", (0, 0, 128)),
        (" Dark Red ", "dark-red", (139, 0, 0)),
        ("light_grey", "light-grey", (211, 211, 211)),
        ("cyan", "cyan", (0, 255, 255)),
        ("cream", "cream", (255, 253, 208)),
        ("#C81E28", "#C81E28", (200, 30, 40)),
        ("#c81e2880", "#C81E28", (200, 30, 40)),
    ],
)
def test_a_fabric_is_a_name_or_hex_and_opaque(text: str, name: str, rgb: tuple[int, int, int]) -> None:
    assert parse_fabric(text) == Fabric(name, Colour(*rgb))


@pytest.mark.parametrize("name", FABRICS)
def test_every_name_is_a_fabric_and_a_background(name: str) -> None:
    assert parse_fabric(name).colour == parse_background(name) == FABRICS[name]


@pytest.mark.parametrize("text", [None, "transparent", " Transparent", "#12345600"])
def test_a_background_may_be_nothing(text: str | None) -> None:
    assert parse_background(text) is None


def test_the_alpha_of_a_background_counts() -> None:
    assert parse_background("#11223344") == Colour(0x11, 0x22, 0x33, 0x44)


@pytest.mark.parametrize("text", ["", "bleu", "#fff", "#12345g", "123456", "#1234567", "rgb(1,2,3)", "transparent"])
def test_what_is_no_fabric_is_refused_in_one_line_with_the_names(text: str) -> None:
    with pytest.raises(MockupRefusedError, match=r"#RRGGBB.* white, black, .* magenta$") as caught:
        parse_fabric(text)
    assert caught.value.code is RefusalCode.INVALID_COLOR
    assert "\n" not in str(caught.value)


def test_a_background_that_is_no_colour_is_refused() -> None:
    with pytest.raises(MockupRefusedError, match=r"the background colour 'clear' is not known; .*transparent"):
        parse_background("clear")


def test_every_value_of_srgb_survives_the_way_to_light_and_back() -> None:
    every = np.arange(256, dtype=np.uint8)
    assert (to_srgb(to_linear(every)) == every).all()


def test_lightness_goes_from_black_to_white() -> None:
    values = lab(np.array([[(0, 0, 0), (119, 119, 119), (255, 255, 255)]], np.uint8))[0, :, 0]
    assert values.tolist() == pytest.approx([0, 50, 100], abs=0.5)
