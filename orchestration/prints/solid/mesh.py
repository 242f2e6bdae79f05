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
        """The triangles as coordinates, of shape (m, 3, 3)."""
        corners: NDArray[np.float32] = self.vertices[self.triangles]
        return corners

    @cached_property
    def normals(self) -> NDArray[np.float32]:
        """Twice the area of each triangle times its outward unit normal, of shape (m, 3)."""
        u, v = self.corners[:, 1] - self.corners[:, 0], self.corners[:, 2] - self.corners[:, 0]
        normals = np.empty_like(u)
        normals[:, 0] = u[:, 1] * v[:, 2] - u[:, 2] * v[:, 1]
        normals[:, 1] = u[:, 2] * v[:, 0] - u[:, 0] * v[:, 2]
        normals[:, 2] = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
        return normals

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
        x, y, z = self.vertices.T.astype(float)
        a, b, c = self.triangles.T
        shadows = (x[b] - x[a]) * (y[c] - y[a]) - (y[b] - y[a]) * (x[c] - x[a])
        return float((z[a] + z[b] + z[c]) @ shadows) / 6

    @cached_property
    def area(self) -> float:
        """The surface in mm²."""
        return float(self.lengths.sum(dtype=float)) / 2

    @cached_property
    def lengths(self) -> NDArray[np.float32]:
        """Twice the area of each triangle in mm²."""
        x, y, z = self.normals.T
        lengths: NDArray[np.float32] = np.sqrt(x * x + y * y + z * z)
        return lengths

    @cached_property
    def bodies(self) -> int:
        """The number of connected pieces."""
        labels = np.arange(len(self.vertices))
        corners = self.triangles.T.copy()
        while True:
            of_corners = labels[corners]
            lowest = np.minimum(np.minimum(of_corners[0], of_corners[1]), of_corners[2])
            merged = labels.copy()
            for of_corner in of_corners:
                np.minimum.at(merged, of_corner, lowest)
            merged = merged[merged]
            if (merged == labels).all():
                return len(np.unique(of_corners[0]))
            labels = merged

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
