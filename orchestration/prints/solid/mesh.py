"""A solid as triangles, and the proof that it can be printed.

Closedness, volume, area, size and the count of bodies are each computed from the numbers that go into the file. Keep
out: making triangles, and file formats.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.errors import PermanentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHORT: Final = 2**16


class OpenSolidError(PermanentError):
    """The geometry makes no closed solid."""


class Size(NamedTuple):
    """Extents in mm."""

    x: float
    y: float
    z: float


@dataclass(frozen=True)
class Mesh:
    """A solid: `vertices` (n, 3) float32 in mm, `triangles` (m, 3) int64, counter-clockwise from outside."""

    vertices: NDArray[np.float32]
    triangles: NDArray[np.int64]

    @cached_property
    def corners(self) -> NDArray[np.float32]:
        """The triangles as coordinates, of shape (3, 3, m): of each axis, those of the three corners."""
        # Axis by axis, since everything that is computed of them is: three times as fast as triangle by triangle.
        return np.ascontiguousarray(self.vertices.T).take(np.ascontiguousarray(self.triangles.T), axis=1)

    @cached_property
    def normals(self) -> NDArray[np.float32]:
        """Twice the area of each triangle times its outward unit normal, of shape (3, m)."""
        u, v = self.corners[:, 1] - self.corners[:, 0], self.corners[:, 2] - self.corners[:, 0]
        return np.stack([u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]])

    @cached_property
    def low(self) -> NDArray[np.float32]:
        """The lowest coordinate along each axis."""
        low: NDArray[np.float32] = self.vertices.min(axis=0)
        return low

    @cached_property
    def size(self) -> Size:
        """The extents in mm."""
        high = [float(axis.max()) for axis in self.vertices.T]
        return Size(*(top - float(bottom) for top, bottom in zip(high, self.low, strict=True)))

    @cached_property
    def volume(self) -> float:
        """The signed volume in mm³ (divergence theorem): positive when the triangles face outward."""
        # Only z counts: the flux of (0, 0, z) through a triangle is its mean height times its shadow on the plane.
        x, y, z = self.corners.astype(float)
        shadows = (x[1] - x[0]) * (y[2] - y[0]) - (y[1] - y[0]) * (x[2] - x[0])
        return float(z.sum(axis=0) @ shadows) / 6

    @cached_property
    def area(self) -> float:
        """The surface in mm²."""
        return float(self.lengths.sum(dtype=float)) / 2

    @cached_property
    def lengths(self) -> NDArray[np.float32]:
        """Twice the area of each triangle in mm²."""
        x, y, z = self.normals
        lengths: NDArray[np.float32] = np.sqrt(x * x + y * y + z * z)
        return lengths

    @cached_property
    def bodies(self) -> int:
        """The number of connected pieces."""
        # Each vertex leads to the lowest that it has an edge with; the last of its chain stands for its piece. Edges
        # between two pieces join these in turn. Led to any lower one, a vertex in which all meet would join one a turn.
        leads_to = np.arange(len(self.vertices))
        a, b, c = self.triangles.T
        start, end = np.concatenate([a, b]), np.concatenate([b, c])
        while len(start):
            np.minimum.at(leads_to, np.maximum(start, end), np.minimum(start, end))
            while not np.array_equal(further := leads_to[leads_to], leads_to):
                leads_to = further
            start, end = leads_to[start], leads_to[end]
            apart = start != end
            start, end = start[apart], end[apart]
        return len(np.unique(leads_to[a]))

    @cached_property
    def watertight(self) -> bool:
        """Whether every edge joins exactly two triangles that run along it in opposite directions.

        Holds for the coordinates and not just for the indices: no two vertices share a place.
        """
        return bool(len(self.triangles)) and _all_distinct(self.vertices) and self._is_paired()

    def _is_paired(self) -> bool:
        a, b, c = self.triangles.T
        return edges_pair(np.concatenate([a, b, c]), np.concatenate([b, c, a]))


def _all_distinct(vertices: NDArray[np.float32]) -> bool:
    # Adding zero turns -0.0 into 0.0, which readers of a file take for the same place.
    bits = np.ascontiguousarray(vertices + np.float32(0)).view(np.uint32).astype(np.uint64)
    keys = bits[:, 0] * np.uint64(0x9E3779B97F4A7C15) ^ bits[:, 1] * np.uint64(0xC2B2AE3D27D4EB4F)
    keys ^= bits[:, 2] * np.uint64(0x165667B19E3779F9)
    keys.sort()
    if (keys[1:] != keys[:-1]).all():
        return True
    # Two keys may agree by chance; only then is the slow comparison needed.
    return len(np.unique(bits, axis=0)) == len(bits)


def edges_pair(start: NDArray[np.int64], end: NDArray[np.int64]) -> bool:
    """Tell whether each edge, from one point's number to another's, occurs once and once in the opposite direction."""
    count = int(max(start.max(), end.max())) + 1
    if count < _SHORT:  # products of the numbers of two points fit 32 bits, which are sorted in half the time
        start, end = start.astype(np.uint32), end.astype(np.uint32)
    keys = np.minimum(start, end) * count + np.maximum(start, end)
    up = start < end
    forward, backward = keys[up], keys[~up]
    if len(forward) != len(backward):
        return False
    forward.sort()
    backward.sort()
    return bool((forward == backward).all() and (forward[1:] != forward[:-1]).all())
