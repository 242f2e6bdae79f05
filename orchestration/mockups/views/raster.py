"""Triangles to samples, compiled: which triangle each sample sees, and the corners' values there.

Keep out: what the values mean. numba is loaded by importing this module, so import it where a view is rastered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray


def visible_triangles(
    projected: NDArray[np.float32], triangles: NDArray[np.int32], width: int, height: int
) -> NDArray[np.int32]:
    """The number of the nearest triangle of each sample (height, width), -1 where there is none.

    `projected` (n, 3): x and y in samples, 1 / depth.
    """
    depth = np.zeros((height, width), np.float32)
    nearest = np.full((height, width), -1, np.int32)
    _nearest(projected, triangles, depth, nearest)
    return nearest


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


def resolve(
    nearest: NDArray[np.int32],
    projected: NDArray[np.float32],
    triangles: NDArray[np.int32],
    values: NDArray[np.float32],
    tones: NDArray[np.float32],
    *,
    grid: int,
    place_steps: int,
    tone_scale: float,
) -> Resolved:
    """Light every sample and average `grid` x `grid` of them to a pixel.

    `values` (n, channels) of corners are interpolated in perspective; for the channels see `passes`. `tones` are looked
    up at canvas px times `tone_scale`.
    """
    height, width = nearest.shape
    averages = np.zeros((height // grid, width // grid, 6), np.float32)
    place = np.zeros((height, width, 2), np.uint16)
    _resolve(nearest, projected, triangles, values, tones, grid, place_steps, tone_scale, averages, place)
    return Resolved(*(averages[..., k] for k in range(6)), place)


@njit(cache=True, fastmath=True)
def _nearest(points, triangles, depth, nearest):
    height, width = depth.shape
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, w0 = points[a, 0], points[a, 1], points[a, 2]
        x1, y1, w1 = points[b, 0], points[b, 1], points[b, 2]
        x2, y2, w2 = points[c, 0], points[c, 1], points[c, 2]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-9:
            continue
        left, right = max(0, int(min(x0, x1, x2) - 0.5)), min(width - 1, int(max(x0, x1, x2) + 0.5))
        top, bottom = max(0, int(min(y0, y1, y2) - 0.5)), min(height - 1, int(max(y0, y1, y2) + 0.5))
        inverse = 1 / area
        step0, step1 = (y1 - y2) * inverse, (y2 - y0) * inverse
        for row in range(top, bottom + 1):
            y = row + 0.5
            x = left + 0.5
            s0 = ((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)) * inverse
            s1 = ((x2 - x) * (y0 - y) - (x0 - x) * (y2 - y)) * inverse
            for column in range(left, right + 1):
                s2 = 1 - s0 - s1
                if s0 >= -1e-5 and s1 >= -1e-5 and s2 >= -1e-5:
                    w = s0 * w0 + s1 * w1 + s2 * w2
                    if w > depth[row, column]:
                        depth[row, column] = w
                        nearest[row, column] = t
                s0 += step0
                s1 += step1


@njit(cache=True, fastmath=True)
def _resolve(nearest, points, triangles, values, tones, grid, place_steps, tone_scale, averages, place):
    u, v, outer, inner, bounce, inner_bounce, facing, inside, label = range(9)
    found = np.zeros(9, np.float32)
    for row in range(nearest.shape[0]):
        for column in range(nearest.shape[1]):
            t = nearest[row, column]
            if t < 0:
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            x, y = column + 0.5, row + 0.5
            x0, y0, x1, y1, x2, y2 = points[a, 0], points[a, 1], points[b, 0], points[b, 1], points[c, 0], points[c, 1]
            area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
            s0 = ((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)) / area
            s1 = ((x2 - x) * (y0 - y) - (x0 - x) * (y2 - y)) / area
            s2 = (1 - s0 - s1) * points[c, 2]
            s0, s1 = s0 * points[a, 2], s1 * points[b, 2]
            total = s0 + s1 + s2
            s0, s1, s2 = s0 / total, s1 / total, s2 / total
            for k in range(9):
                found[k] = s0 * values[a, k] + s1 * values[b, k] + s2 * values[c, k]
            # In a picture whose y points down, counter-clockwise outside is a negative area.
            outside = area < 0
            is_label = found[label] > 0.5
            tone = 1.0 if is_label else _bilinear(tones, found[u] * tone_scale, found[v] * tone_scale)
            light = found[outer] if outside else found[inner]
            again = found[bounce] if outside else found[inner_bounce]
            grazing = max(0.0, 1 - abs(found[facing]))
            pixel = averages[row // grid, column // grid]
            pixel[0] += 1
            pixel[1] += light * tone
            pixel[2] += again * tone
            pixel[3] += light * grazing**3
            if is_label:
                pixel[5] += 1
            elif outside and found[inside] < 0.5:
                pixel[4] += 1
                place[row, column, 0] = min(65535, int(found[u] * place_steps + 0.5))
                place[row, column, 1] = min(65535, int(found[v] * place_steps + 0.5))
    for row in range(averages.shape[0]):
        for column in range(averages.shape[1]):
            pixel = averages[row, column]
            if pixel[0] > 0:
                for k in range(1, 6):
                    pixel[k] /= pixel[0]
                pixel[0] /= grid * grid


@njit(cache=True, fastmath=True)
def _bilinear(table, x, y):
    """The value between the centres of a table's cells; the border goes on outside."""
    x = min(max(x - 0.5, 0.0), table.shape[1] - 1.001)
    y = min(max(y - 0.5, 0.0), table.shape[0] - 1.001)
    i, j = int(y), int(x)
    a, b = y - i, x - j
    upper = table[i, j] * (1 - b) + table[i, j + 1] * b
    return upper * (1 - a) + (table[i + 1, j] * (1 - b) + table[i + 1, j + 1] * b) * a
