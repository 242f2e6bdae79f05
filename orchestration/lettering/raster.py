"""From a text in its place to pixels: an 8-bit mask with smooth edges, or a picture with colour emoji.

Filling outlines, and painting coloured glyphs over them. Keep out: where anything stands (`paragraph`), or what the
picture is laid onto.

Outlines are filled by libvips's SVG renderer, to which only numbers are handed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from orchestration.lettering.errors import TextError, describe
from orchestration.lettering.pictures import Canvas, Tile, paint_glyph

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from orchestration.lettering.layout import Box
    from orchestration.lettering.offsets import Ring
    from orchestration.lettering.paragraph import Paragraph

    Pixels = NDArray[np.uint8]

LONGEST_SIDE: Final = 16_384
"""Pixels: what a picture of text may measure."""
_OPAQUE: Final = np.float32(255)
_ROUNDING: Final = 1e-6


def mask(paragraph: Paragraph, *, box: Box | None = None, resolution: float = 1.0) -> Pixels:
    """Return how much of each pixel the text covers, from 0 to 255; shape (height, width), the top row first.

    `box` is what is shown, by default the paragraph's frame; `resolution` is in pixels a unit.

    Raises:
        TextError: the text has an emoji that exists in colour only, or the picture would be too large.

    """
    if paragraph.pictures:
        text = paragraph.pictures[0].glyph.text
        raise TextError(f"{describe(text)} is a colour picture without an outline", "leave it out, or draw in colours")
    return fill(paragraph.rings(), box or paragraph.frame, resolution)


def fill(rings: Iterable[Ring], box: Box, resolution: float = 1.0) -> Pixels:
    """Return how much of each pixel of `box` lies inside of the rings, counted by their winding; as `mask` does."""
    import pyvips

    width, height = _pixels(box, resolution)
    corner = np.array((box.left, box.top))
    path = "".join(_drawn((ring - corner) * (resolution, -resolution)) for ring in rings)
    if not path:
        return np.zeros((height, width), np.uint8)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
    svg = f'{head}<path fill-rule="nonzero" d="{path}"/></svg>'
    covered: Pixels = pyvips.Image.svgload_buffer(svg.encode("ascii"), unlimited=True)[3].numpy()
    return covered


def paint(
    paragraph: Paragraph, colour: tuple[int, int, int], *, box: Box | None = None, resolution: float = 1.0
) -> Pixels:
    """Return the text as a picture: RGBA, alpha not multiplied in; shape (height, width, 4), the top row first.

    `colour` is that of the letters; emoji keep their own. `box` and `resolution` are those of `mask`.

    Raises:
        TextError: the picture would be too large.

    """
    shown = box or paragraph.frame
    covered = fill(paragraph.rings(), shown, resolution) / _OPAQUE
    ink = np.array([*(channel / _OPAQUE for channel in colour), 1.0], np.float32)
    canvas = (covered[:, :, None] * ink).astype(np.float32, copy=False)
    for tile in _tiles(paragraph, shown, resolution, Canvas(canvas.shape[1], canvas.shape[0])):
        height, width = tile.shades.shape[:2]
        under = canvas[tile.top : tile.top + height, tile.left : tile.left + width]
        under[:] = tile.shades + under * (np.float32(1) - tile.shades[:, :, 3:])
    return _straight(canvas)


def _tiles(paragraph: Paragraph, box: Box, resolution: float, canvas: Canvas) -> Iterator[Tile]:
    floor = box.top - canvas.height / resolution
    for picture in paragraph.pictures:
        x, y = (picture.x - box.left) * resolution, (picture.y - floor) * resolution
        em = paragraph.style.size * resolution
        tile = paint_glyph(picture.glyph.face, picture.glyph.number, canvas, em=em, x=x, y=y)
        if tile is not None:
            yield tile


def _straight(canvas: NDArray[np.float32]) -> Pixels:
    """Divide the colours by their alpha."""
    alpha = canvas[:, :, 3:]
    straight = np.divide(canvas[:, :, :3], alpha, out=np.zeros_like(canvas[:, :, :3]), where=alpha > 0)
    pixels: Pixels = np.rint(np.concatenate([straight, alpha], axis=2).clip(0, 1) * _OPAQUE).astype(np.uint8)
    return pixels


def _pixels(box: Box, resolution: float) -> tuple[int, int]:
    """Return the width and height of a picture of `box`, at least one pixel each."""
    width = max(math.ceil((box.right - box.left) * resolution - _ROUNDING), 1)
    height = max(math.ceil((box.top - box.bottom) * resolution - _ROUNDING), 1)
    if max(width, height) > LONGEST_SIDE:
        problem = f"the picture would measure {width} x {height} pixels, more than {LONGEST_SIDE} on a side"
        raise TextError(problem, "shorten the text, or draw it smaller")
    return width, height


def _drawn(ring: Ring) -> str:
    """Write a ring in pixels as a path of an SVG."""
    return f"M{' '.join(f'{x:.3f},{y:.3f}' for x, y in ring.tolist())}Z"
