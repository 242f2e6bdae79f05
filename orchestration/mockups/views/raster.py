"""Triangles to samples, compiled: which triangle each sample sees, and the light there, averaged to pixels.

Keep out: where the corners' values come from (`passes`). numba is loaded by importing this module, so import it where a
view is rastered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit  # noqa: TID253  # this module is imported where a view is rastered, and nowhere else

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A sample on the edge between two triangles belongs to both.
_EDGE = -1e-5
_NOTHING = 1e-9
_HALF = 0.5
_MOST = 65535
CHANNELS = 9
_COVERED, _LIGHT, _BOUNCE, _SHEEN, _TAKES_INK, _LABEL = range(6)


class Corners(NamedTuple):
    """`points` (n, 3): x and y in samples, 1 / depth; `triangles` (m, 3) of them.

    `values` (n, 9), interpolated in perspective: canvas x and y in px, light on the outer and on the inner side, both
    over a bounce, the normal's share towards the eye, shares of inside and label.
    """

    points: NDArray[np.float32]
    triangles: NDArray[np.int32]
    values: NDArray[np.float32]


class Tones(NamedTuple):
    """A table of tones, looked up at canvas px times `scale`."""

    table: NDArray[np.float32]
    scale: float


class Resolved(NamedTuple):
    """Per pixel, (height, width) float32: the share that is covered, and averages over what is covered.

    `place` (samples, uint16): where on the canvas each sample that takes ink is, in steps; 0 for the others.
    """

    covered: NDArray[np.float32]
    light: NDArray[np.float32]
    bounce: NDArray[np.float32]
    sheen: NDArray[np.float32]
    takes_ink: NDArray[np.float32]
    label: NDArray[np.float32]
    place: NDArray[np.uint16]


def visible_triangles(corners: Corners, width: int, height: int) -> NDArray[np.int32]:
    """The number of the nearest triangle of each sample (height, width), -1 where there is none."""
    depth = np.zeros((height, width), np.float32)
    nearest = np.full((height, width), -1, np.int32)
    _find_nearest(corners.points, corners.triangles, depth, nearest)
    return nearest


def resolve(nearest: NDArray[np.int32], corners: Corners, tones: Tones, *, grid: int, place_steps: int) -> Resolved:
    """Light every sample and average `grid` x `grid` of them to a pixel."""
    height, width = nearest.shape
    averages = np.zeros((height // grid, width // grid, 6), np.float32)
    place = np.zeros((height, width, 2), np.uint16)
    _light_samples(nearest, corners, tones, (averages, place), (grid, place_steps))
    hits = averages[..., _COVERED].copy()
    averages /= np.maximum(hits, 1)[..., None]
    averages[..., _COVERED] = hits / grid**2
    covered, light, bounce, sheen, takes_ink, label = (averages[..., k] for k in range(_LABEL + 1))
    return Resolved(covered, light, bounce, sheen, takes_ink, label, place)


@njit(cache=True, fastmath=True)
def _find_nearest(
    points: NDArray[np.float32], triangles: NDArray[np.int32], depth: NDArray[np.float32], nearest: NDArray[np.int32]
) -> None:
    height, width = depth.shape
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, w0 = points[a, 0], points[a, 1], points[a, 2]
        x1, y1, w1 = points[b, 0], points[b, 1], points[b, 2]
        x2, y2, w2 = points[c, 0], points[c, 1], points[c, 2]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < _NOTHING:
            continue
        left, right = max(0, int(min(x0, x1, x2) - _HALF)), min(width - 1, int(max(x0, x1, x2) + _HALF))
        top, bottom = max(0, int(min(y0, y1, y2) - _HALF)), min(height - 1, int(max(y0, y1, y2) + _HALF))
        inverse = 1 / area
        step0, step1 = (y1 - y2) * inverse, (y2 - y0) * inverse
        for row in range(top, bottom + 1):
            x, y = left + _HALF, row + _HALF
            s0 = ((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)) * inverse
            s1 = ((x2 - x) * (y0 - y) - (x0 - x) * (y2 - y)) * inverse
            for column in range(left, right + 1):
                if s0 >= _EDGE and s1 >= _EDGE and s0 + s1 <= 1 - _EDGE:
                    w = s0 * w0 + s1 * w1 + (1 - s0 - s1) * w2
                    if w > depth[row, column]:
                        depth[row, column] = w
                        nearest[row, column] = t
                s0 += step0
                s1 += step1


@njit(cache=True, fastmath=True)
def _light_samples(
    nearest: NDArray[np.int32],
    corners: Corners,
    tones: Tones,
    out: tuple[NDArray[np.float32], NDArray[np.uint16]],
    steps: tuple[int, int],
) -> None:
    averages, place = out
    grid, place_steps = steps
    found = np.zeros(CHANNELS, np.float32)
    for row in range(nearest.shape[0]):
        for column in range(nearest.shape[1]):
            if nearest[row, column] < 0:
                continue
            outside = _interpolate(corners, nearest[row, column], column + _HALF, row + _HALF, found)
            x, y, is_label = found[0], found[1], found[8] > _HALF
            tone = 1.0 if is_label else _bilinear(tones.table, x * tones.scale, y * tones.scale)
            light = found[2] if outside else found[3]
            pixel = averages[row // grid, column // grid]
            pixel[_COVERED] += 1
            pixel[_LIGHT] += light * tone
            pixel[_BOUNCE] += (found[4] if outside else found[5]) * tone
            grazing = max(np.float32(0), 1 - abs(found[6]))
            pixel[_SHEEN] += light * grazing * grazing * grazing
            if is_label:
                pixel[_LABEL] += 1
            elif outside and found[7] < _HALF:
                pixel[_TAKES_INK] += 1
                place[row, column, 0] = min(_MOST, int(x * place_steps + _HALF))
                place[row, column, 1] = min(_MOST, int(y * place_steps + _HALF))


@njit(cache=True, fastmath=True)
def _interpolate(corners: Corners, triangle: np.int32, x: float, y: float, found: NDArray[np.float32]) -> bool:
    """Fill `found` with the values at a sample of a triangle; whether it is seen from outside."""
    points, triangles, values = corners
    a, b, c = triangles[triangle, 0], triangles[triangle, 1], triangles[triangle, 2]
    x0, y0, x1, y1, x2, y2 = points[a, 0], points[a, 1], points[b, 0], points[b, 1], points[c, 0], points[c, 1]
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    s0 = ((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)) / area
    s1 = ((x2 - x) * (y0 - y) - (x0 - x) * (y2 - y)) / area
    s2 = (1 - s0 - s1) * points[c, 2]
    s0, s1 = s0 * points[a, 2], s1 * points[b, 2]
    total = s0 + s1 + s2
    for k in range(CHANNELS):
        found[k] = (s0 * values[a, k] + s1 * values[b, k] + s2 * values[c, k]) / total
    # In a picture whose y points down, counter-clockwise outside is a negative area.
    return bool(area < 0)


@njit(cache=True, fastmath=True)
def _bilinear(table: NDArray[np.float32], x: np.float32, y: np.float32) -> np.float32:
    """The value between the centres of a table's cells; the border goes on outside."""
    across = min(max(float(x) - _HALF, 0.0), table.shape[1] - 1.001)
    down = min(max(float(y) - _HALF, 0.0), table.shape[0] - 1.001)
    i, j = int(down), int(across)
    a, b = np.float32(down - i), np.float32(across - j)
    upper = table[i, j] * (1 - b) + table[i, j + 1] * b
    return np.float32(upper * (1 - a) + (table[i + 1, j] * (1 - b) + table[i + 1, j + 1] * b) * a)
