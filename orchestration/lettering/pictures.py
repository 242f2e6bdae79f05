"""Glyphs in colours of their own, such as emoji, as small pictures in place.

Painting one glyph: layers and paint graphs by HarfBuzz, bitmaps by Pillow. Keep out: letters of one colour (`raster`).
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orchestration.lettering.fonts import Typeface

    Shades = NDArray[np.float32]

_MARGIN: Final = 1
_OPAQUE: Final = np.float32(255)


class Canvas(NamedTuple):
    """A picture in the making, in pixels; y grows upwards from its lowest row."""

    width: int
    height: int


class Tile(NamedTuple):
    """A part of a canvas: RGBA from 0 to 1, alpha multiplied in; its upper row and its left column on the canvas."""

    shades: Shades
    top: int
    left: int


class _Rectangle(NamedTuple):
    """Whole pixels; y grows upwards."""

    left: int
    bottom: int
    right: int
    top: int


def paint_glyph(face: Typeface, glyph: int, canvas: Canvas, *, em: float, x: float, y: float) -> Tile | None:
    """Paint a glyph with its origin at `x`, `y` and an em of `em` pixels; None when nothing of it is on the canvas."""
    unit = em / face.units_per_em
    extents = face.font.get_glyph_extents(glyph)
    place = _Rectangle(
        math.floor(x + unit * extents.x_bearing),
        math.floor(y + unit * (extents.y_bearing + extents.height)),
        math.ceil(x + unit * (extents.x_bearing + extents.width)),
        math.ceil(y + unit * extents.y_bearing),
    )
    png = face.png(glyph)
    if png:
        return _clipped(_bitmap(png, place), place, canvas)
    wider = _Rectangle(place.left - _MARGIN, place.bottom - _MARGIN, place.right + _MARGIN, place.top + _MARGIN)
    return _clipped(_layers(face, glyph, wider, unit, (x, y)), wider, canvas)


def _layers(face: Typeface, glyph: int, place: _Rectangle, unit: float, origin: tuple[float, float]) -> Shades:
    import uharfbuzz as hb

    width, height = place.right - place.left, place.top - place.bottom
    painter = hb.RasterPaint()
    painter.transform = (unit, 0.0, 0.0, unit, *origin)
    painter.extents = hb.RasterExtents(x_origin=place.left, y_origin=place.bottom, width=width, height=height, stride=0)
    painter.paint_glyph(face.font, glyph)
    image = painter.render()
    rows = np.frombuffer(image.buffer, np.uint8).reshape(height, -1)[:, : 4 * width].reshape(height, width, 4)
    # HarfBuzz writes BGRA, the lowest row first.
    shades: Shades = rows[::-1, :, [2, 1, 0, 3]].astype(np.float32) / _OPAQUE
    return shades


def _bitmap(png: bytes, place: _Rectangle) -> Shades:
    from PIL import Image

    size = max(place.right - place.left, 1), max(place.top - place.bottom, 1)
    with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        scaled = image.convert("RGBA").convert("RGBa").resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    shades: Shades = np.asarray(scaled, np.float32) / _OPAQUE
    return shades


def _clipped(shades: Shades, place: _Rectangle, canvas: Canvas) -> Tile | None:
    top, left = canvas.height - place.top, place.left
    first, start = max(-top, 0), max(-left, 0)
    kept = shades[first : canvas.height - top, start : canvas.width - left]
    return Tile(kept, top + first, left + start) if kept.size else None
