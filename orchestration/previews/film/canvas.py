"""Pixels: backgrounds, rounded rectangles, shadows, and laying one picture over another.

Arrays of 8 bits a channel, RGB, the top row first. Keep out: what is drawn (`pages`), and when (`scenes`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orchestration.previews.film.design import Box, Colour, Design

    Pixels = NDArray[np.uint8]

_OPAQUE = 255
_SUPERSAMPLING = 4
# Half a step of 8 bits, so that a gradient shows no bands.
_DITHER = 0.5


class Sprite(NamedTuple):
    """A picture to be laid over a frame: RGB, how much of each pixel it covers (0 to 255), and its corner's place."""

    rgb: Pixels
    cover: Pixels
    x: int
    y: int


def lay_over(frame: Pixels, sprite: Sprite, *, opacity: float = 1.0, dy: int = 0) -> None:
    """Lay a sprite over a frame, moved down by `dy` pixels; what reaches out of the frame is left out."""
    height, width = frame.shape[:2]
    top, left = sprite.y + dy, sprite.x
    first_row, first_column = max(0, -top), max(0, -left)
    last_row = min(sprite.rgb.shape[0], height - top)
    last_column = min(sprite.rgb.shape[1], width - left)
    if first_row >= last_row or first_column >= last_column:
        return
    inside = np.s_[first_row:last_row, first_column:last_column]
    under = frame[top + first_row : top + last_row, left + first_column : left + last_column]
    rgb, cover = sprite.rgb[inside], sprite.cover[inside]
    if opacity < 1:
        _blend(under, rgb, cover, opacity)
        return
    # Most rows of a picture, but for those of its round corners, hide what is under them.
    hidden = np.flatnonzero(cover.min(axis=1) == _OPAQUE)
    first, last = (int(hidden[0]), int(hidden[-1]) + 1) if len(hidden) else (0, 0)
    if last - first != len(hidden):
        first = last = 0
    under[first:last] = rgb[first:last]
    for rows in (np.s_[:first], np.s_[last:]):
        _blend(under[rows], rgb[rows], cover[rows], opacity)


def _blend(under: Pixels, rgb: Pixels, cover: Pixels, opacity: float) -> None:
    import cv2

    if not cover.size:
        return
    shares, scale = cv2.merge((cover, cover, cover)), opacity / _OPAQUE
    hidden = cv2.multiply(under, shares, scale=scale)
    under[:] = cv2.add(cv2.subtract(under, hidden), cv2.multiply(rgb, shares, scale=scale))


@cache
def background(width: int, height: int, top: Colour, bottom: Colour) -> Pixels:
    """A gradient from the upper left to the lower right; not to be written to."""
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    columns = np.linspace(0, 1, width, dtype=np.float32)[None, :]
    along = (0.75 * rows + 0.25 * columns)[:, :, None]
    ends = np.array(top, np.float32), np.array(bottom, np.float32)
    noise = np.random.default_rng(0).uniform(-_DITHER, _DITHER, (height, width, 1)).astype(np.float32)
    pixels: Pixels = np.rint(ends[0] * (1 - along) + ends[1] * along + noise).clip(0, _OPAQUE).astype(np.uint8)
    pixels.flags.writeable = False
    return pixels


def rounded(width: int, height: int, radius: int) -> Pixels:
    """The cover of a rectangle with round corners, with smooth edges."""
    radius = min(radius, width // 2, height // 2)
    cover = np.full((height, width), _OPAQUE, np.uint8)
    if radius < 1:
        return cover
    steps = (np.arange(radius * _SUPERSAMPLING, dtype=np.float32) + 0.5) / _SUPERSAMPLING
    inside = (radius - steps)[:, None] ** 2 + (radius - steps)[None, :] ** 2 <= radius**2
    shape = radius, _SUPERSAMPLING, radius, _SUPERSAMPLING
    corner = np.rint(inside.reshape(shape).mean(axis=(1, 3)) * _OPAQUE).astype(np.uint8)
    cover[:radius, :radius] = corner
    cover[:radius, -radius:] = corner[:, ::-1]
    cover[-radius:, :radius] = corner[::-1]
    cover[-radius:, -radius:] = corner[::-1, ::-1]
    return cover


def filled(box: Box, colour: Colour, *, radius: int = 0, opacity: float = 1.0) -> Sprite:
    """A rectangle of one colour."""
    cover = (rounded(box.width, box.height, radius) * opacity).astype(np.uint8)
    return Sprite(np.full((box.height, box.width, 3), colour, np.uint8), cover, box.x, box.y)


def shadow(box: Box, radius: int, design: Design) -> Sprite:
    """A soft shadow under a rectangle."""
    import cv2

    spread = design.px(28)
    cover = np.zeros((box.height + 2 * spread, box.width + 2 * spread), np.uint8)
    cover[spread:-spread, spread:-spread] = rounded(box.width, box.height, radius)
    soft = cv2.GaussianBlur(cover, (0, 0), spread / 2.5) * 0.35
    rgb = np.zeros((*cover.shape, 3), np.uint8)
    return Sprite(rgb, soft.astype(np.uint8), box.x - spread, box.y - spread + design.px(8))


@cache
def glow(width: int, height: int, colour: Colour) -> Sprite:
    """A soft light in the upper right corner."""
    rows = np.linspace(0, height / max(width, height), height, dtype=np.float32)[:, None]
    columns = np.linspace(width / max(width, height), 0, width, dtype=np.float32)[None, :]
    strength = np.exp(-((rows**2 + columns**2) / 0.16)) * 0.30
    noise = np.random.default_rng(1).uniform(-_DITHER, _DITHER, (height, width)).astype(np.float32)
    cover = np.rint(strength * _OPAQUE + noise).clip(0, _OPAQUE).astype(np.uint8)
    return Sprite(np.full((height, width, 3), colour, np.uint8), cover, 0, 0)
