"""Designs drawn for the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from orchestration.mockups.designs.design import Design, design_from_bytes
from orchestration_tests.media.pictures import encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rgba = tuple[int, int, int, int]
CLEAR: Rgba = (0, 0, 0, 0)
RED: Rgba = (200, 30, 40, 255)
BLUE: Rgba = (20, 40, 200, 255)
WHITE: Rgba = (255, 255, 255, 255)
BLACK: Rgba = (0, 0, 0, 255)


def filled(colour: Rgba, size: tuple[int, int] = (60, 40)) -> NDArray[np.uint8]:
    """A design of one colour throughout; `size` is width and height."""
    return np.full((size[1], size[0], 4), colour, np.uint8)


def disc(colour: Rgba, around: Rgba = CLEAR, size: tuple[int, int] = (600, 400)) -> NDArray[np.uint8]:
    """A disc, which fills most of the design."""
    image = Image.new("RGBA", size, around)
    width, height = size
    ImageDraw.Draw(image).ellipse((width * 0.05, height * 0.05, width * 0.95, height * 0.95), fill=colour)
    return np.asarray(image)


def design(pixels: NDArray[np.uint8], name: str = "logo.png") -> Design:
    return Design(name, pixels, "0" * 64, has_alpha=True)


def png_file(pixels: NDArray[np.uint8]) -> bytes:
    return encode(Image.fromarray(pixels), "PNG")


def taken(pixels: NDArray[np.uint8], name: str = "logo.png") -> Design:
    """A design that came as a file."""
    return design_from_bytes(name, png_file(pixels))
