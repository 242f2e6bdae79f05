"""The channel of a cable, cut through the lowest storey of a solid.

It runs along x from end to end and is open below, so all that it touches is flat: it parts the floor in two, takes its
profile out of the two walls that stand across it, and adds walls of its own. Each cut face is triangulated and proven
as the caps are (`terraces`), and no 3D boolean is needed. Keep out: where a channel lies (`blueprint`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from orchestration.errors import PermanentError
from orchestration.lettering.offsets import segments
from orchestration.prints.solid.mesh import Mesh
from orchestration.prints.solid.terraces import Region, triangulated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orchestration.prints.solid.blueprint import Channel
    from orchestration.prints.solid.terraces import Indices, Points, Shell


class _End(NamedTuple):
    """A wall across the channel: the points of its edge, and the vertices of the profile in it."""

    start: int
    end: int
    profile: Indices


def channelled(shell: Shell, floor: Region, channel: Channel) -> Mesh:
    """Close a shell over its floor, with the channel cut out; `floor` is the region of the lowest storey.

    Raises:
        PermanentError: something other than two walls stands in the way of the channel.
        OpenCapError: it does not fit into the storey.

    """
    profile = _profile(channel)
    edges = _edges(floor, float(profile[:, 0].max()))
    vertices = np.concatenate([shell.vertices, *(_placed(profile, floor, edge) for edge in edges)])
    numbers = np.arange(len(shell.vertices), len(vertices)).reshape(2, -1)
    right, left = (_End(edge, int(floor.following[edge]), number) for edge, number in zip(edges, numbers, strict=True))
    count = len(floor.points)
    cut = [right.start, left.start, right.start + count, left.start + count]
    triangles = [
        np.delete(shell.walls, cut, axis=0),
        *_sides(right, left),
        _end_face(vertices, _around(right._replace(profile=right.profile[::-1]), count), 1.0),
        _end_face(vertices, _around(left, count), -1.0),
        _parted(floor, vertices, right, left),
        shell.roofs,
    ]
    return Mesh(vertices, np.concatenate(triangles))


@lru_cache(maxsize=16)
def _profile(channel: Channel) -> Points:
    """Return the channel's outline in y and z, from the bed on the side of positive y over its top to the bed again."""
    import manifold3d as m3

    radius = channel.diameter / 2
    slot = m3.CrossSection.square((channel.slot_width, channel.slot_top)).translate((-channel.slot_width / 2, 0.0))
    bore = m3.CrossSection.circle(radius, segments(radius)).translate((0.0, channel.height))
    [ring] = (slot + bore).to_polygons()
    # Counter-clockwise, the lower side of the slot leads to where the outline begins.
    outline: Points = np.roll(ring, -int(np.lexsort((-ring[:, 0], ring[:, 1]))[0]), axis=0)
    return outline


def _edges(floor: Region, reach: float) -> tuple[int, int]:
    """Return the edges, by their first points, that lie across the channel at its right end and at its left."""
    y = floor.points[:, 1]
    after = y[floor.following]
    right, left = np.flatnonzero((y < -reach) & (after > reach)), np.flatnonzero((y > reach) & (after < -reach))
    if (np.abs(y) <= reach).any() or len(right) != 1 or len(left) != 1:
        raise PermanentError("the channel would cut more of the clip than its floor and its two ends")
    return int(right[0]), int(left[0])


def _placed(profile: Points, floor: Region, edge: int) -> NDArray[np.float32]:
    """Return the vertices of a profile in the wall above an edge."""
    start, end = floor.points[edge], floor.points[floor.following[edge]]
    x = start[0] + (profile[:, 0] - start[1]) * (end[0] - start[0]) / (end[1] - start[1])
    return np.column_stack([x, profile]).astype(np.float32)


def _sides(right: _End, left: _End) -> tuple[Indices, Indices]:
    """Return the walls of the channel, facing its axis."""
    here, there = left.profile, right.profile
    return (
        np.stack([here[:-1], there[:-1], there[1:]], axis=1),
        np.stack([here[:-1], there[1:], here[1:]], axis=1),
    )


def _around(end: _End, count: int) -> Indices:
    """Return the vertices around what the profile leaves of a wall, `count` being the points of the storey."""
    return np.concatenate([[end.start], end.profile, [end.end, end.end + count, end.start + count]])


def _end_face(vertices: NDArray[np.float32], around: Indices, facing: float) -> Indices:
    """Triangulate a wall across the channel, which faces along x or, if `facing` is -1, against it."""
    y, z = vertices[around, 1:].T.astype(float)
    face = Region(np.stack([facing * y, z], axis=1), np.array([0, len(around)]))
    return around[triangulated(face)]


def _parted(floor: Region, vertices: NDArray[np.float32], right: _End, left: _End) -> Indices:
    """Triangulate what the channel leaves of the floor: a part above it, seen from above, and a part below."""
    cut = next(ring for ring, start in enumerate(floor.starts[1:]) if right.start < start)
    rings = [np.arange(start, end) for start, end in zip(floor.starts, floor.starts[1:], strict=False)]
    ring = np.roll(rings.pop(cut), -(right.end - floor.starts[cut]))
    halfway = int(np.flatnonzero(ring == left.end)[0])
    rings.append(np.concatenate([ring[:halfway], [left.profile[0], right.profile[0]]]))
    rings.append(np.concatenate([ring[halfway:], [right.profile[-1], left.profile[-1]]]))
    points = np.concatenate(rings)
    parted = Region(vertices[points, :2].astype(float), np.cumsum([0, *map(len, rings)]))
    return points[triangulated(parted)][:, ::-1]
