"""The raster's loops, in the part of Python that numba compiles. `machine_code` keeps what comes of it.

The compiled code stands alone, without numba: nothing here may allocate, raise, or look at a part of an array as an
array of its own, which numba would count. Keep out: what the arrays mean (`raster`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numba import njit, types  # noqa: TID253  # imported where there is no compiled code yet, and nowhere else

from orchestration.mockups.views.raster import Corners, Tones

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A sample on the edge between two triangles belongs to both.
_EDGE = -1e-5
_NOTHING = 1e-9
_HALF = 0.5
_MOST = 65535
# Along a pixel at an edge: as many as fill 64 bits.
_PLACES = 8
_FULL = np.uint64(2**64 - 1)
_CHANNELS = 9
_COVERED, _LIGHT, _BOUNCE, _SHEEN, _TAKES_INK, _LABEL = range(6)

_FLOATS, _NUMBERS = types.float32[:, ::1], types.int32[:, ::1]
_MARKS, _BITS = types.uint8[:, ::1], types.uint64[:, ::1]
_CORNERS = types.NamedTuple((_FLOATS, _NUMBERS, _FLOATS), Corners)  # type: ignore[no-untyped-call]
_TONES = types.NamedTuple((_MARKS, types.float32, types.intp), Tones)  # type: ignore[no-untyped-call]
_RUN = types.float32[::1]
_OUT = types.Tuple((types.float32[:, :, ::1], types.uint16[:, :, ::1], _RUN, _RUN))  # type: ignore[no-untyped-call]
_STEPS = types.UniTuple(types.intp, 2)  # type: ignore[no-untyped-call]
# Compiled by the signature, and without the parts by which Python would call it.
_ALONE: Final[dict[str, Any]] = {
    "fastmath": True, "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True,
}  # fmt: skip


@njit(fastmath=True, error_model="numpy")
def _inverse(step: np.float32) -> np.float32:
    """1 / step; a share that does not change along a row is taken for one that falls very slowly."""
    return np.float32(1) / (step if abs(step) > np.float32(_NOTHING) else np.float32(-_NOTHING))


@njit(types.void(_FLOATS, _NUMBERS, _FLOATS, _NUMBERS), **_ALONE)
def find_nearest(
    points: NDArray[np.float32], triangles: NDArray[np.int32], depth: NDArray[np.float32], nearest: NDArray[np.int32]
) -> None:
    """Put the number of each sample's nearest triangle into `nearest`, and 1 / its depth into `depth`."""
    height, width = depth.shape
    half, one, edge = np.float32(_HALF), np.float32(1), np.float32(_EDGE)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, w0 = points[a, 0], points[a, 1], points[a, 2]
        x1, y1, w1 = points[b, 0], points[b, 1], points[b, 2]
        x2, y2, w2 = points[c, 0], points[c, 1], points[c, 2]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < _NOTHING:
            continue
        left, right = max(0, int(min(x0, x1, x2) - half)), min(width - 1, int(max(x0, x1, x2) + half))
        top, bottom = max(0, int(min(y0, y1, y2) - half)), min(height - 1, int(max(y0, y1, y2) + half))
        inverse = np.float32(1) / area
        step0, step1 = (y1 - y2) * inverse, (y2 - y0) * inverse
        step2, deeper = -step0 - step1, step0 * (w0 - w2) + step1 * (w1 - w2)
        per0, per1, per2 = _inverse(step0), _inverse(step1), _inverse(step2)
        x = np.float32(left) + half
        for row in range(top, bottom + 1):
            y = np.float32(row) + half
            s0 = ((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)) * inverse
            s1 = ((x2 - x) * (y0 - y) - (x0 - x) * (y2 - y)) * inverse
            s2 = one - s0 - s1
            w = s0 * w0 + s1 * w1 + s2 * w2
            # The samples of this row where no share is negative.
            first, last = np.float32(0), np.float32(right - left)
            for share, per in ((s0, per0), (s1, per1), (s2, per2)):
                crossing = (edge - share) * per
                if per > 0:
                    first = max(first, crossing)
                else:
                    last = min(last, crossing)
            if last < first:
                continue
            begin = int(first)
            if np.float32(begin) < first:
                begin += 1
            for ahead in range(begin, int(last) + 1):
                near = w + np.float32(ahead) * deeper
                if near > depth[row, left + ahead]:
                    depth[row, left + ahead] = near
                    nearest[row, left + ahead] = t


@njit(types.void(_FLOATS, _NUMBERS, _MARKS, _BITS, types.float32), **_ALONE)
def cover_edges(
    points: NDArray[np.float32],
    triangles: NDArray[np.int32],
    edge: NDArray[np.uint8],
    bits: NDArray[np.uint64],
    grid: np.float32,
) -> None:
    """Set a bit in `bits` for each of 8 x 8 places in a pixel of `edge` that a triangle covers."""
    height, width = edge.shape
    one, least, step, half = np.float32(1), np.float32(_EDGE), np.float32(1 / _PLACES), np.float32(_HALF / _PLACES)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0 = points[a, 0] / grid, points[a, 1] / grid
        x1, y1 = points[b, 0] / grid, points[b, 1] / grid
        x2, y2 = points[c, 0] / grid, points[c, 1] / grid
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < _NOTHING:
            continue
        left, right = max(0, int(min(x0, x1, x2))), min(width - 1, int(max(x0, x1, x2)))
        inverse = np.float32(1) / area
        over0, over1 = (y1 - y2) * inverse * step, (y2 - y0) * inverse * step
        down0, down1 = (x2 - x1) * inverse * step, (x0 - x2) * inverse * step
        for row in range(max(0, int(min(y0, y1, y2))), min(height - 1, int(max(y0, y1, y2))) + 1):
            for column in range(left, right + 1):
                if edge[row, column] == 0 or bits[row, column] == _FULL:
                    continue
                x, y = np.float32(column) + half, np.float32(row) + half
                first0 = ((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)) * inverse
                first1 = ((x2 - x) * (y0 - y) - (x0 - x) * (y2 - y)) * inverse
                found, bit = np.uint64(0), np.uint64(1)
                for j in range(_PLACES):
                    s0, s1 = first0 + np.float32(j) * down0, first1 + np.float32(j) * down1
                    for i in range(_PLACES):
                        t0, t1 = s0 + np.float32(i) * over0, s1 + np.float32(i) * over1
                        if min(t0, t1, one - t0 - t1) >= least:
                            found |= bit
                        bit <<= np.uint64(1)
                bits[row, column] |= found


@njit(fastmath=True, error_model="numpy", inline="always")
def _begin_run(
    corners: Corners, triangle: int, at: tuple[float, float], start: NDArray[np.float32], step: NDArray[np.float32]
) -> bool:
    """Fill `start` with a triangle's values at a sample and `step` with their growth a sample to the right.

    Both are divided by the depth, which makes them linear; the last of them is 1 / depth. Whether the triangle is seen
    from outside.
    """
    points, triangles, values = corners
    x, y = at
    a, b, c = triangles[triangle, 0], triangles[triangle, 1], triangles[triangle, 2]
    x0, y0, x1, y1, x2, y2 = points[a, 0], points[a, 1], points[b, 0], points[b, 1], points[c, 0], points[c, 1]
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    s0 = ((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)) / area
    s1 = ((x2 - x) * (y0 - y) - (x0 - x) * (y2 - y)) / area
    d0, d1 = (y1 - y2) / area, (y2 - y0) / area
    w0, w1, w2 = points[a, 2], points[b, 2], points[c, 2]
    at0, at1, at2 = np.float32(s0 * w0), np.float32(s1 * w1), np.float32((1 - s0 - s1) * w2)
    to0, to1, to2 = np.float32(d0 * w0), np.float32(d1 * w1), np.float32(-(d0 + d1) * w2)
    for k in range(_CHANNELS):
        start[k] = at0 * values[a, k] + at1 * values[b, k] + at2 * values[c, k]
        step[k] = to0 * values[a, k] + to1 * values[b, k] + to2 * values[c, k]
    start[_CHANNELS] = at0 + at1 + at2
    step[_CHANNELS] = to0 + to1 + to2
    # In a picture whose y points down, counter-clockwise outside is a negative area.
    return bool(area < 0)


@njit(fastmath=True, error_model="numpy")
def _bilinear(table: NDArray[np.uint8], x: np.float32, y: np.float32) -> np.float32:
    """The value at x, y from the centre of a table's first cell; the border goes on outside."""
    across = min(max(x, np.float32(0)), np.float32(table.shape[1] - 1.001))
    down = min(max(y, np.float32(0)), np.float32(table.shape[0] - 1.001))
    i, j = int(down), int(across)
    a, b = down - np.float32(i), across - np.float32(j)
    upper = np.float32(table[i, j]) + (np.float32(table[i, j + 1]) - np.float32(table[i, j])) * b
    lower = np.float32(table[i + 1, j]) + (np.float32(table[i + 1, j + 1]) - np.float32(table[i + 1, j])) * b
    return np.float32(upper + (lower - upper) * a)


@njit(types.void(_NUMBERS, _CORNERS, _TONES, _OUT, _STEPS), **_ALONE)
def light_samples(
    nearest: NDArray[np.int32],
    corners: Corners,
    tones: Tones,
    out: tuple[NDArray[np.float32], NDArray[np.uint16], NDArray[np.float32], NDArray[np.float32]],
    steps: tuple[int, int],
) -> None:
    """Add up the light of each pixel's samples and note each sample's place.

    `out`: both of them, and room for the values of a run and for their growth.
    """
    averages, place, start, step = out
    grid, place_steps = np.uint32(steps[0]), np.float32(steps[1])
    scale, per_tone, half = np.float32(tones.scale), np.float32(1 / tones.neutral), np.float32(_HALF)
    outside = False
    for row in range(nearest.shape[0]):
        seen, first = -1, 0
        for column in range(nearest.shape[1]):
            if nearest[row, column] < 0:
                continue
            if nearest[row, column] != seen:
                seen, first = nearest[row, column], column
                outside = _begin_run(corners, seen, (column + _HALF, row + _HALF), start, step)
            ahead = np.float32(column - first)
            depth = np.float32(1) / (start[_CHANNELS] + ahead * step[_CHANNELS])
            x, y = (start[0] + ahead * step[0]) * depth, (start[1] + ahead * step[1]) * depth
            is_label = (start[8] + ahead * step[8]) * depth > half
            tone = np.float32(1) if is_label else _bilinear(tones.table, x * scale - half, y * scale - half) * per_tone
            side = 2 if outside else 3
            light = (start[side] + ahead * step[side]) * depth
            i, j = np.uint32(row) // grid, np.uint32(column) // grid
            averages[i, j, _COVERED] += 1
            averages[i, j, _LIGHT] += light * tone
            averages[i, j, _BOUNCE] += (start[side + 2] + ahead * step[side + 2]) * depth * tone
            grazing = max(np.float32(0), np.float32(1) - abs((start[6] + ahead * step[6]) * depth))
            averages[i, j, _SHEEN] += light * grazing * grazing * grazing
            if is_label:
                averages[i, j, _LABEL] += 1
            elif outside and (start[7] + ahead * step[7]) * depth < half:
                averages[i, j, _TAKES_INK] += 1
                place[row, column, 0] = min(_MOST, int(x * place_steps + half))
                place[row, column, 1] = min(_MOST, int(y * place_steps + half))


KERNELS: Final[dict[str, Any]] = {
    "find_nearest": find_nearest,
    "light_samples": light_samples,
    "cover_edges": cover_edges,
}
