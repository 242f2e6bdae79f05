"""Storeys of a product as one solid: caps by ear clipping, each proven, and walls.

It turns nested regions with heights into a mesh without any 3D boolean. The storeys stand strictly inside one another,
so the solid has one floor, one wall for each ring, one ledge between two storeys and one roof. Every cap is
triangulated on the coordinates that the file will hold, and proven: all triangles face up, their edges pair up or lie
on the region's rings, and their area is the region's. A ledge that passes also proves that the upper storey lies on
the lower one, since a region that stuck out would need a triangle facing down. Keep out: making the regions
(`sections`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.prints.solid.mesh import Mesh, OpenSolidError, edges_pair

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import manifold3d
    from numpy.typing import NDArray

    Points = NDArray[np.float64]
    Indices = NDArray[np.int64]

_AREA_ERROR: Final = 1e-7


class OpenCapError(OpenSolidError):
    """No triangulation of a region could be proven closed: its rings cross or touch."""


@dataclass(frozen=True)
class Region:
    """Rings of points (n, 2) in mm, exact in float32: counter-clockwise around the inside, clockwise around holes."""

    points: Points
    starts: Indices
    """Where each ring begins; its end is the next one's beginning."""

    @classmethod
    def of(cls, section: manifold3d.CrossSection) -> Region:
        """Take the rings of a section."""
        return cls.of_rings(section.to_polygons())

    @classmethod
    def of_rings(cls, rings: Sequence[Points]) -> Region:
        """Round the rings to float32 and drop points that fall together."""
        if not rings:
            return cls(np.empty((0, 2)), np.zeros(1, np.int64))
        points = np.concatenate(rings).astype(np.float32).astype(np.float64)
        region = cls(points, np.cumsum([0, *map(len, rings)]))
        after = points[region.following]
        together = (points[:, 0] == after[:, 0]) & (points[:, 1] == after[:, 1])
        return cls.of_rings(_thinned(region, ~together)) if together.any() else region

    @cached_property
    def following(self) -> Indices:
        """The index of the point after each point on its ring."""
        following = np.arange(1, len(self.points) + 1)
        following[self.starts[1:] - 1] = self.starts[:-1]
        return following

    @cached_property
    def areas(self) -> NDArray[np.float64]:
        """The signed area of each ring in mm²."""
        after = self.points[self.following]
        cross = self.points[:, 0] * after[:, 1] - after[:, 0] * self.points[:, 1]
        areas: NDArray[np.float64] = np.add.reduceat(cross, self.starts[:-1]) / 2
        return areas

    @cached_property
    def area(self) -> float:
        """The area in mm²."""
        return float(self.areas.sum())

    @property
    def pieces(self) -> int:
        """The number of separate pieces."""
        return int((self.areas > 0).sum())

    @cached_property
    def triangles(self) -> Indices:
        """Triangles (m, 3) that cover it, all counter-clockwise, proven closed.

        Raises `OpenCapError` if neither method gives a closed triangulation.
        """
        return triangulated(self)

    def rings(self) -> Iterator[Points]:
        """Yield each ring."""
        for start, end in pairwise(self.starts.tolist()):
            yield self.points[start:end]

    def around(self, hole: Region) -> Region:
        """Return this region without `hole`, which lies strictly inside it; its points come last, in ring order."""
        reversed_rings = [ring[::-1] for ring in hole.rings()]
        points = np.concatenate([self.points, *reversed_rings])
        return Region(points, np.concatenate([self.starts, hole.starts[1:] + len(self.points)]))


class Storey(NamedTuple):
    """A region between two heights in mm."""

    region: Region
    bottom: float
    top: float


class Shell(NamedTuple):
    """Storeys without a floor: the vertices, and the triangles by what they are.

    Of storey k with n points the vertices are n at its bottom, in the order of the points, then n at its top. Edge i of
    the lowest storey, which begins at point i, has the walls i and n + i.
    """

    vertices: NDArray[np.float32]
    walls: Indices
    roofs: Indices
    """The ledges and the roof."""


def terraced(storeys: Sequence[Storey]) -> Mesh:
    """Build the solid of storeys, each standing strictly inside the one below.

    Raises:
        OpenCapError: a storey touches or crosses the edge of the one below.

    """
    shell = shell_of(storeys)
    return Mesh(shell.vertices, np.concatenate([shell.walls, storeys[0].region.triangles[:, ::-1], shell.roofs]))


def shell_of(storeys: Sequence[Storey]) -> Shell:
    """Build the solid of storeys without its floor; raises as `terraced` does."""
    offsets = np.cumsum([0, *(2 * len(storey.region.points) for storey in storeys)])
    vertices = np.empty((offsets[-1], 3), np.float32)
    walls: list[Indices] = []
    for storey, offset in zip(storeys, offsets, strict=False):
        count = len(storey.region.points)
        vertices[offset : offset + 2 * count, :2] = np.tile(storey.region.points, (2, 1))
        vertices[offset : offset + count, 2] = storey.bottom
        vertices[offset + count : offset + 2 * count, 2] = storey.top
        walls.append(_walls(storey.region) + offset)
    roofs = [
        _ledge(below.region, above.region, int(offsets[level]), int(offsets[level + 1]))
        for level, (below, above) in enumerate(pairwise(storeys))
    ]
    top = storeys[-1].region
    roofs.append(top.triangles + (offsets[-2] + len(top.points)))
    return Shell(vertices, np.concatenate(walls), np.concatenate(roofs))


def _walls(region: Region) -> Indices:
    here = np.arange(len(region.points))
    after, up = region.following, len(region.points)
    return np.concatenate(
        [np.stack([here, after, after + up], axis=1), np.stack([here, after + up, here + up], axis=1)]
    )


def _ledge(below: Region, above: Region, below_offset: int, above_offset: int) -> Indices:
    count = len(below.points)
    ledge = triangulated(below.around(above))
    # The rings of the upper storey are reversed in the ledge: point k of a ring is its last but k.
    mirrored = np.concatenate([np.arange(end - 1, start - 1, -1) for start, end in pairwise(above.starts.tolist())])
    place = np.concatenate([np.arange(count) + below_offset + count, mirrored + above_offset])
    return place[ledge]


def triangulated(region: Region) -> Indices:
    """Return triangles (m, 3) that cover a region, all counter-clockwise, proven closed.

    Raises:
        OpenCapError: neither method gives a closed triangulation.

    """
    for method in (_ear_clipped, _monotone):
        if (proven := _proven(region, method(region))) is not None:
            return proven
    raise OpenCapError(f"a cap of {len(region.points)} points could not be closed: its rings cross or touch")


def _ear_clipped(region: Region) -> Indices:
    import mapbox_earcut

    parts: list[Indices] = [np.empty((0, 3), np.int64)]
    everything, starts = np.arange(len(region.points)), region.starts.tolist()
    for rings in families(region):
        spans = [everything[starts[ring] : starts[ring + 1]] for ring in rings]
        indices = np.concatenate(spans)
        ends = np.array([*accumulate(map(len, spans))], np.uint32)
        corners = mapbox_earcut.triangulate_float64(region.points[indices], ends)
        parts.append(indices[corners].reshape(-1, 3))
    return np.concatenate(parts)


def _monotone(region: Region) -> Indices:
    import manifold3d as m3

    return np.asarray(m3.triangulate(list(region.rings())), np.int64).reshape(-1, 3)


def families(region: Region) -> list[list[int]]:
    """Return, by their numbers, each outer ring followed by its holes."""
    areas = region.areas.tolist()
    outer = [ring for ring, area in enumerate(areas) if area > 0]
    holes = [ring for ring, area in enumerate(areas) if area <= 0]
    if len(outer) == 1:
        return [outer + holes]
    families = {ring: [ring] for ring in outer}
    rings = list(region.rings())
    boxes = _boxes(region)
    by_size = sorted(outer, key=areas.__getitem__)
    # The ring around a hole is the smallest that has it inside: the last of those whose boxes have needs no proof.
    around = {hole: [ring for ring in by_size if _within(boxes[hole], boxes[ring])] for hole in holes}
    for ring in by_size:
        near = [hole for hole, candidates in around.items() if ring in candidates]
        inside = _inside(region, [hole for hole in near if around[hole][-1] != ring], rings[ring])
        for hole in near:
            if hole in inside or around[hole][-1] == ring:
                families[ring].append(hole)
                del around[hole]
    return list(families.values())


def _boxes(region: Region) -> list[list[float]]:
    """Return the left, bottom, right and top of each ring."""
    starts = region.starts[:-1]
    low, high = np.minimum.reduceat(region.points, starts), np.maximum.reduceat(region.points, starts)
    boxes: list[list[float]] = np.concatenate([low, high], axis=1).tolist()
    return boxes


def _within(box: list[float], other: list[float]) -> bool:
    return other[0] <= box[0] and other[1] <= box[1] and box[2] <= other[2] and box[3] <= other[3]


def _inside(region: Region, holes: Sequence[int], ring: Points) -> set[int]:
    """Return the holes whose first points lie inside a ring, by counting the edges to their right."""
    if not holes:
        return set()
    x, y = region.points[region.starts[holes]].T
    above = ring[:, 1] > y[:, None]
    rows, edges = np.nonzero(above != above[:, np.arange(-1, len(ring) - 1)])
    start, end = ring[edges - 1], ring[edges]
    crossing = start[:, 0] + (y[rows] - start[:, 1]) * (end[:, 0] - start[:, 0]) / (end[:, 1] - start[:, 1])
    counts = np.bincount(rows[crossing > x[rows]], minlength=len(holes))
    return {hole for hole, count in zip(holes, counts.tolist(), strict=True) if count % 2}


def _proven(region: Region, triangles: Indices) -> Indices | None:
    """Return the triangles, turned face up, or None when they do not tile the region exactly."""
    a, b, c = (region.points[corner] for corner in triangles.T)
    u, v = b - a, c - a
    twice = u[:, 0] * v[:, 1] - v[:, 0] * u[:, 1]
    if twice.sum() < 0:
        triangles, twice = triangles[:, ::-1], -twice
    area = region.area
    if not len(triangles) or twice.min() < 0 or abs(twice.sum() / 2 - area) > _AREA_ERROR * area:
        return None
    # The edges of the triangles and those of the rings, turned round.
    first, second, third = triangles.T
    here, after = np.arange(len(region.points)), region.following
    start, end = np.concatenate([first, second, third, after]), np.concatenate([second, third, first, here])
    return triangles if edges_pair(start, end) else None


def _thinned(region: Region, kept: NDArray[np.bool_]) -> list[Points]:
    """Return the rings with the kept points alone; a ring of fewer than three is gone."""
    rings = [region.points[start:end][kept[start:end]] for start, end in pairwise(region.starts.tolist())]
    return [ring for ring in rings if len(ring) > 2]  # noqa: PLR2004 - a ring has three points
