"""Cloth that keeps off itself: vertices that are not neighbours stay some millimetres apart.

Without it a fold passes through the cloth beside it, and comes out as a gash in the picture. Pairs are found in a grid
of cells as wide as the distance, through a hash of the cell (Teschner et al., "Optimized Spatial Hashing for Collision
Detection of Deformable Objects", 2003). Keep out: contact with the form (`cloth`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit  # noqa: TID253  # this module is imported where cloth is draped, and nowhere else

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Of triangles with sides of 7 mm no point is further than 4 mm from a corner: nothing slips through between them.
APART = 0.0055
# Vertices within so many edges of each other may be closer than that: near borders triangles are smaller.
_RINGS = 1
_BUCKETS = 1 << 15
_NONE = -1
_PRIMES = (73856093, 19349663, 83492791)


class Near(NamedTuple):
    """The neighbours of vertex i are `others[starts[i] : starts[i + 1]]`."""

    starts: NDArray[np.int64]
    others: NDArray[np.int64]


def neighbours(edges: NDArray[np.int64], count: int) -> Near:
    """Who may come close to whom, of `count` vertices that `edges` (n, 2) join."""
    from scipy.sparse import coo_array

    joined = coo_array((np.ones(len(edges), np.int8), edges.T), shape=(count, count)).tocsr()
    once = (joined + joined.T).astype(np.int32)
    reached = once
    for _ in range(_RINGS - 1):
        reached = reached + reached @ once
    return Near(reached.indptr.astype(np.int64), reached.indices.astype(np.int64))


@njit(cache=True)
def keep_apart(position: NDArray[np.float64], mass: NDArray[np.float64], near: Near, distance: float) -> None:
    """Move vertices that came closer than `distance` metres apart along their line, in place."""
    count = position.shape[0]
    first, following = np.full(_BUCKETS, _NONE), np.full(count, _NONE)
    for i in range(count):
        bucket = _bucket(position[i], distance, (0, 0, 0))
        following[i], first[bucket] = first[bucket], i
    for i in range(count):
        for cell in range(27):
            j = first[_bucket(position[i], distance, (cell // 9 - 1, cell // 3 % 3 - 1, cell % 3 - 1))]
            while j != _NONE:
                if j > i and mass[i] + mass[j] > 0.0:
                    _part(position, mass, (i, j), near, distance)
                j = following[j]


@njit(cache=True)
def _bucket(point: NDArray[np.float64], cell: float, shift: tuple[int, int, int]) -> int:
    """Where the points of a cell are listed, of the cell `shift` away from a point's own."""
    found = 0
    for axis in range(3):
        found ^= (int(np.floor(point[axis] / cell)) + shift[axis]) * _PRIMES[axis]
    return found % _BUCKETS


@njit(cache=True)
def _part(
    position: NDArray[np.float64], mass: NDArray[np.float64], pair: tuple[int, int], near: Near, distance: float
) -> None:
    """Part two vertices, unless they are far enough or neighbours."""
    i, j = pair
    x, y, z = position[i, 0] - position[j, 0], position[i, 1] - position[j, 1], position[i, 2] - position[j, 2]
    square = x * x + y * y + z * z
    if square >= distance * distance or square == 0.0:
        return
    for k in range(near.starts[i], near.starts[i + 1]):
        if near.others[k] == j:
            return
    length = square**0.5
    share = (distance - length) / length / (mass[i] + mass[j])
    for axis, way in enumerate((x, y, z)):
        position[i, axis] += share * mass[i] * way
        position[j, axis] -= share * mass[j] * way
