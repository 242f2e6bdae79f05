"""Triangles to samples, compiled: which triangle each sample sees, and the corners' values there.

Keep out: what the values mean. numba is loaded by importing this module, so import it where a view is rastered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def interpolate(
    nearest: NDArray[np.int32],
    projected: NDArray[np.float32],
    triangles: NDArray[np.int32],
    values: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Perspective-correct values (height, width, channels) of corners' `values` (n, channels); 0 where there is none.

    The last channel of the result is more than `values` has: 1 for a triangle that is seen from outside, -1 from inside.
    """
    out = np.zeros((*nearest.shape, values.shape[1] + 1), np.float32)
    _interpolate(nearest, projected, triangles, values, out)
    return out


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
def _interpolate(nearest, points, triangles, values, out):
    channels = values.shape[1]
    for row in range(nearest.shape[0]):
        for column in range(nearest.shape[1]):
            t = nearest[row, column]
            if t < 0:
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            x, y = column + 0.5, row + 0.5
            x0, y0 = points[a, 0], points[a, 1]
            x1, y1 = points[b, 0], points[b, 1]
            x2, y2 = points[c, 0], points[c, 1]
            area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
            s0 = ((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)) / area * points[a, 2]
            s1 = ((x2 - x) * (y0 - y) - (x0 - x) * (y2 - y)) / area * points[b, 2]
            s2 = (1 - ((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)) / area
                  - ((x2 - x) * (y0 - y) - (x0 - x) * (y2 - y)) / area) * points[c, 2]
            total = s0 + s1 + s2
            s0, s1, s2 = s0 / total, s1 / total, s2 / total
            for k in range(channels):
                out[row, column, k] = s0 * values[a, k] + s1 * values[b, k] + s2 * values[c, k]
            # In a picture whose y points down, counter-clockwise outside is a negative area.
            out[row, column, channels] = 1.0 if area < 0 else -1.0
