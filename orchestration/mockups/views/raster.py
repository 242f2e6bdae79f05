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
    for those that take no ink.
    """
    height, width = nearest.shape
    averages = np.zeros((height // grid, width // grid, _AVERAGES), np.float32)
    place = np.zeros((height, width, 2), np.uint16)
    out = (averages, place, np.empty(_RUN, np.float32), np.empty(_RUN, np.float32))
    code.call("light_samples", nearest, corners, tones, out, (grid, place_steps))
    hits = averages[..., _COVERED].copy()
    averages /= np.maximum(hits, 1)[..., None]
    averages[..., _COVERED] = hits / grid**2
    return averages, place
