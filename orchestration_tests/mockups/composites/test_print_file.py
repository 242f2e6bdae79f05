"""The file for the printer: 300 DPI at real size, with that size written into it."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from orchestration.mockups.composites.print_file import print_file
from orchestration_tests.media.pictures import decode
from orchestration_tests.mockups.designs.made import CLEAR, RED, WHITE, disc, taken


def chunk(body: bytes, kind: bytes) -> bytes:
    """The content of a PNG's chunk."""
    at = body.index(kind)
    (length,) = struct.unpack(">I", body[at - 4 : at])
    content = body[at + 4 : at + 4 + length]
    assert struct.unpack(">I", body[at + 4 + length : at + 8 + length])[0] == zlib.crc32(kind + content)
    return content


def test_the_density_is_exactly_300_dpi() -> None:
    file = print_file(taken(disc(RED)), (120.0, 80.0), "L")
    assert struct.unpack(">IIB", chunk(file.body, b"pHYs")) == (11811, 11811, 1)
    assert decode(file.body).size == (file.width, file.height) == (1417, 945)


def test_it_says_which_size_it_is_for() -> None:
    file = print_file(taken(disc(RED)), (120.0, 80.0), "XL")
    assert decode(file.body).info["Size"] == "XL"
    assert decode(file.body).info["Print"] == "120.0 x 80.0 mm at 300 DPI"


def test_the_design_keeps_its_colours_and_its_alpha() -> None:
    picture = np.asarray(decode(print_file(taken(disc(RED)), (60.0, 40.0), "L").body))
    height, width = picture.shape[:2]
    assert tuple(picture[height // 2, width // 2]) == RED
    assert tuple(picture[0, 0]) == CLEAR


def test_a_large_design_is_scaled_down_and_a_small_one_up() -> None:
    for size in ((2000, 2000), (20, 20)):
        assert decode(print_file(taken(disc(WHITE, RED, size)), (50.0, 50.0), "L").body).size == (591, 591)


@pytest.mark.parametrize("length", [(0.01, 0.01), (300.0, 0.01)])
def test_a_print_is_never_less_than_a_pixel(length: tuple[float, float]) -> None:
    assert min(decode(print_file(taken(disc(RED)), length, "L").body).size) >= 1
