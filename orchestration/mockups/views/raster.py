"""Triangles to samples: which triangle each sample sees, and the light there, averaged to pixels.

Keep out: the compiled loops (`raster_kernels`), where the corners' values come from (`passes`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orchestration.mockups.views.machine_code import MachineCode

_AVERAGES: Final = 6
_BITS: Final = 64
# Steps to the pixels around one, row and column, and first the one to itself.
_AROUND: Final = np.array([(0, 0), *((down, over) for down in (-1, 0, 1) for over in (-1, 0, 1) if down or over)])
_COVERED: Final = 0
# A triangle's values at a sample, or their growth to the next one, with 1 / depth as the last.
_RUN: Final = 10


class Corners(NamedTuple):
    """`points` (n, 3): x and y in samples, 1 / depth; `triangles` (m, 3) of them.

    `values` (n, 9), interpolated in perspective: canvas x and y in px, light on the outer and on the inner side, both
    over a bounce, the normal's share towards the eye, shares of inside and label.
    """

    points: NDArray[np.float32]
    triangles: NDArray[np.int32]
    values: NDArray[np.float32]


class Tones(NamedTuple):
    """A table of tones, looked up at canvas px times `scale`; `neutral` leaves the light as it is."""

    table: NDArray[np.uint8]
    scale: float
    neutral: int


def visible_triangles(code: MachineCode, corners: Corners, width: int, height: int) -> NDArray[np.int32]:
    """The number of the nearest triangle of each sample (height, width), -1 where there is none."""
    depth = np.zeros((height, width), np.float32)
    nearest = np.full((height, width), -1, np.int32)
    code.call("find_nearest", corners.points, corners.triangles, depth, nearest)
    return nearest


def resolve(
    code: MachineCode, nearest: NDArray[np.int32], corners: Corners, tones: Tones, *, grid: int, place_steps: int
) -> tuple[NDArray[np.float32], NDArray[np.uint16]]:
    """Light every sample and average `grid` x `grid` of them to a pixel.

    Per pixel, (height, width, 6): the share that is covered, and averages over what is covered: light, bounce, sheen,
    the shares that take ink and that are label. Per sample, (height, width, 2): where on the canvas it is, in steps; 0
    for those that take no ink. Samples of a covered pixel that lie beside the garment have a place on it.
    """
    height, width = nearest.shape
    averages = np.zeros((height // grid, width // grid, _AVERAGES), np.float32)
    place = np.zeros((height, width, 2), np.uint16)
    out = (averages, place, np.empty(_RUN, np.float32), np.empty(_RUN, np.float32))
    code.call("light_samples", nearest, corners, tones, out, (grid, place_steps))
    hits = averages[..., _COVERED].copy()
    averages /= np.maximum(hits, 1)[..., None]
    averages[..., _COVERED] = _coverage(code, corners, hits, grid)
    _fill_edges(nearest, hits, averages, place)
    return averages, place


def _coverage(code: MachineCode, corners: Corners, hits: NDArray[np.float32], grid: int) -> NDArray[np.float32]:
    """The share of each pixel that triangles cover, at edges by 64 places: a few samples would leave them jagged."""
    import cv2

    around = np.ones((3, 3), np.uint8)
    touched, filled = (hits > 0).astype(np.uint8), (hits == grid**2).astype(np.uint8)
    edge = np.asarray(cv2.subtract(cv2.dilate(touched, around), cv2.erode(filled, around)), np.uint8)
    bits = np.zeros(hits.shape, np.uint64)
    code.call("cover_edges", corners.points, corners.triangles, edge, bits, float(grid))
    covered: NDArray[np.float32] = touched.astype(np.float32)
    at_edge = np.nonzero(edge)
    covered[at_edge] = np.bitwise_count(bits[at_edge]) / np.float32(_BITS)
    return covered


def _fill_edges(
    nearest: NDArray[np.int32],
    hits: NDArray[np.float32],
    averages: NDArray[np.float32],
    place: NDArray[np.uint16],
) -> None:
    """Give each covered pixel light and places for all its samples, in place.

    Samples beside the garment take the place of one that is on it; a pixel that no sample has met takes all from the
    neighbour that most have.
    """
    height, width = hits.shape
    grid = len(place) // height
    rows, columns = np.nonzero((averages[..., _COVERED] > 0) & (hits < grid**2))
    around = np.pad(hits, 1)[rows[:, None] + _AROUND[:, 0] + 1, columns[:, None] + _AROUND[:, 1] + 1]
    # The first of the nine is the pixel itself.
    best = np.where(hits[rows, columns] > 0, 0, around.argmax(axis=1))
    from_rows, from_columns = (
        np.clip(rows + _AROUND[best, 0], 0, height - 1),
        np.clip(columns + _AROUND[best, 1], 0, width - 1),
    )
    found = hits[from_rows, from_columns] > 0
    averages[rows, columns, 1:] = averages[from_rows, from_columns, 1:]
    averages[rows[~found], columns[~found], _COVERED] = 0
    samples = place.reshape(height, grid, width, grid, 2).transpose(0, 2, 1, 3, 4)
    givers = samples[from_rows, from_columns].reshape(len(rows), -1, 2)
    given = np.take_along_axis(givers, givers[..., :1].argmax(axis=1, keepdims=True), axis=1)
    missed = nearest.reshape(height, grid, width, grid).transpose(0, 2, 1, 3)[rows, columns] < 0
    samples[rows, columns] = np.where(missed[..., None], given[:, None], samples[rows, columns])
