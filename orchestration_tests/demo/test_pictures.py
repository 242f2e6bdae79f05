"""Pictures decode, have their size and colour, and are the same each time."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops, ImageStat

from orchestration.demo.days import SUPPLIERS
from orchestration.demo.drawing.drinkware import Mug
from orchestration.demo.drawing.garments import Garment
from orchestration.demo.drawing.paint import inks
from orchestration.demo.pictures import Design, Encoding, Scene, Shot, View, backdrop, take

DESIGNS = sorted({line.design for supplier in SUPPLIERS for line in supplier.lines}, key=repr)
RED = "B8322A"


def photograph(design: Design, view: View = View.FRONT, *, body: str = RED, size: int = 200) -> Image.Image:
    shot = Shot(Scene(design, view, size), body)
    return Image.open(io.BytesIO(take([shot])[shot]))


def share_that_differs(a: Image.Image, b: Image.Image, threshold: int = 24) -> float:
    difference = ImageChops.difference(a.convert("L"), b.convert("L"))
    return sum(difference.histogram()[threshold:]) / (a.width * a.height)


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_every_product_fills_a_good_part_of_the_picture_and_touches_no_edge(design: Design) -> None:
    picture = photograph(design)

    assert 0.04 < share_that_differs(picture, backdrop(200)) < 0.7
    edges = ((0, 0, 200, 3), (0, 0, 3, 200), (197, 0, 200, 200), (0, 197, 200, 200))
    assert all(min(picture.convert("L").crop(edge).tobytes()) > 200 for edge in edges)


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_every_product_takes_the_colour_of_its_variant(design: Design) -> None:
    red, blue = (ImageStat.Stat(photograph(design, body=body)).mean for body in ("D02020", "2020D0"))

    assert red[0] > blue[0] + 2
    assert blue[2] > red[2] + 2


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("encoding", Encoding)
def test_a_picture_has_the_format_and_size_asked_for(view: View, encoding: Encoding) -> None:
    shot = Shot(Scene(Mug(), view, 320), RED, encoding=encoding)
    picture = Image.open(io.BytesIO(take([shot])[shot]))
    picture.load()

    assert (picture.format, picture.size, picture.mode) == (encoding.name, (320, 320), "RGB")


@pytest.mark.parametrize("design", [Mug(), Garment()], ids=repr)
def test_every_view_shows_something_else(design: Design) -> None:
    front, *others = (photograph(design, view) for view in View if view is not View.FOLLOWS)
    assert all(share_that_differs(front, other) > 0.001 for other in others)


def test_the_same_shots_give_the_same_bytes_in_any_order() -> None:
    shots = [Shot(Scene(design, View.FRONT, 120), body) for design in DESIGNS[:4] for body in (RED, "F4F4F4")]
    assert take(shots) == take(reversed(shots))


def test_the_print_stands_out_from_any_body() -> None:
    assert min(inks("FFFFFF", None).print) < 100
    assert min(inks("000000", None).print) > 200


def test_no_body_is_so_dark_or_light_that_its_folds_vanish() -> None:
    assert min(inks("000000", None).body) > 8
    assert max(inks("FFFFFF", None).body) < 250
