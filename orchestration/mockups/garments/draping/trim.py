"""Collar, hems and cuffs with thickness, and the neck label, on cloth that has come to rest.

A trim is a strip along a side of a piece: its profile goes from the outside around the edge to the inside. Profiles
are pairs of mm: `inwards`, the way from the side into the piece (below 0: beyond the side), and `above`, the height
over the cloth. Keep out: the cloth itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.mockups.garments.mesh import Material

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from orchestration.mockups.garments.draping.pattern import FlatPiece

# (inwards, above, material), mm.
Profile = tuple[tuple[float, float, Material], ...]
CLOTH, INSIDE = Material.CLOTH, Material.INSIDE

# Pieces that stand by themselves instead of falling.
HANDLES: Final = {"front_handle", "back_handle"}
HEM: Final[Profile] = (
    (0.6, 0.05, CLOTH), (-0.3, -0.05, CLOTH), (-0.75, -0.6, CLOTH), (-0.75, -1.2, INSIDE), (-0.2, -1.9, INSIDE),
    (1.5, -2.1, INSIDE), (10.0, -1.9, INSIDE), (21.0, -1.8, INSIDE), (21.5, -1.0, INSIDE),
)  # fmt: skip


def collar_profile(height: float) -> Profile:
    """A rib band of double cloth, `height` mm: from its seam up the outside, over the top, down the inside."""
    return (
        (height + 0.3, -0.4, CLOTH), (height - 0.7, 0.9, CLOTH), (height - 2.2, 1.5, CLOTH), (height * 0.5, 1.9, CLOTH),
        (2.0, 1.6, CLOTH), (0.2, 1.1, CLOTH), (-0.5, 0.2, CLOTH), (-0.4, -0.8, INSIDE), (0.6, -1.5, INSIDE),
        (height * 0.5, -1.7, INSIDE), (height - 1.0, -1.5, INSIDE), (height + 0.3, -0.6, INSIDE),
    )  # fmt: skip


class Strip(NamedTuple):
    """Corners of a strip in `rows`: `points` (n, 3) metres, `flat` (n, 2) mm of the piece, `material`, `triangles`."""

    points: NDArray[np.float64]
    flat: NDArray[np.float64]
    material: NDArray[np.uint8]
    triangles: NDArray[np.int64]
    rows: int


# The middles of two ends that belong together lie no further apart, metres.
_SAME_END: Final = 0.006


class Surface:
    """The cloth of one piece at rest, looked up by flat coordinates."""

    def __init__(self, piece: FlatPiece, points: NDArray[np.float64], normals: NDArray[np.float64]) -> None:
        """`points` (n, 3) metres and `normals` of the corners of the piece."""
        from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator

        values = np.concatenate([points, normals], axis=1)
        self._inside = LinearNDInterpolator(piece.flat, values)
        self._near = NearestNDInterpolator(piece.flat, values)

    def at(self, flat: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Points and unit normals at flat places (n, 2) mm; places beside the piece get the nearest corner's."""
        found = self._inside(flat)
        found = np.where(np.isnan(found), self._near(flat), found)
        normals = found[:, 3:] / np.linalg.norm(found[:, 3:], axis=1, keepdims=True)
        return found[:, :3], normals


def strip_along(
    surface: Surface, line: NDArray[np.float64], profile: Profile, *, within: FlatPiece | None = None
) -> Strip:
    """The strip along a flat line (n, 2) mm that has the piece to its left as seen with y down.

    The line must run in the direction of the outline. A strip that is turned up `within` a piece ends at the piece's
    sides, also where they are slanted: beyond them it would come out of the garment.
    """
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    inwards = np.stack([-along[:, 1], along[:, 0]], axis=1)
    edge, _ = surface.at(line)
    behind, _ = surface.at(line + 5 * inwards)
    outwards = edge - behind
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    rows, places = [], []
    for depth, above, _ in profile:
        place = line + max(depth, 0.0) * inwards
        if within is not None:
            place = within.kept_in(place)
        point, normal = surface.at(place)
        rows.append(point + (outwards * max(-depth, 0.0) + normal * above) / 1e3)
        places.append(place)
    material = np.repeat([int(kind) for _, _, kind in profile], len(line)).astype(np.uint8)
    return Strip(np.concatenate(rows), np.concatenate(places), material, _grid(len(profile), len(line)), len(profile))


def _grid(rows: int, columns: int) -> NDArray[np.int64]:
    """Triangles of a grid of points, row by row."""
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    a, b, c, d = first, first + 1, first + columns, first + columns + 1
    return np.concatenate([np.stack([a, b, c], axis=1), np.stack([b, d, c], axis=1)])


def join_ends(strips: Sequence[Strip]) -> None:
    """Let the ends of strips meet where their sides do, in place.

    Each end leans as its own piece does, which leaves a wedge open at the seam between the pieces.
    """
    ends = [(strip.points.reshape(strip.rows, -1, 3), column) for strip in strips for column in (0, -1)]
    for number, (one, column) in enumerate(ends):
        for other, opposite in ends[:number]:
            if len(one) != len(other):
                continue
            apart = one[:, column].mean(axis=0) - other[:, opposite].mean(axis=0)
            if np.linalg.norm(apart) < _SAME_END:
                middle = (one[:, column] + other[:, opposite]) / 2
                one[:, column], other[:, opposite] = middle, middle


class Arch(NamedTuple):
    """A bag's handle in mm: half the span, how far it is sewn on, height over the bag, z below and on top."""

    half_span: float
    sewn: float
    height: float
    z_low: float
    z_top: float


def handle(outline: NDArray[np.float64], arch: Arch, *, front: bool) -> Strip:
    """A strap of double cloth that rises from the bag and bends over: half an ellipse on two straight ends."""
    (left, top), (right, bottom) = outline.min(axis=0), outline.max(axis=0)
    turn = np.linspace(np.pi, 0, 120)
    bow = np.stack([arch.half_span * np.cos(turn), arch.height * np.sin(turn) ** 0.8], axis=1)
    path = np.concatenate([[[-arch.half_span, -arch.sewn]], bow, [[arch.half_span, -arch.sewn]]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    columns = np.linspace(0, along[-1], 100)
    middle = np.stack([np.interp(columns, along, path[:, axis]) for axis in (0, 1)], axis=1)
    across = np.gradient(middle, axis=0)
    across = np.stack([-across[:, 1], across[:, 0]], axis=1) / np.linalg.norm(across, axis=1, keepdims=True)
    depth = arch.z_low + (arch.z_top - arch.z_low) * np.clip(middle[:, 1] / arch.height, 0, 1) ** 1.5
    half = (bottom - top) / 2
    section = [(1, 0), (0.94, 1), (0, 1.3), (-0.94, 1), (-1, 0), (-0.94, -1), (0, -1.3), (0.94, -1), (1, 0)]
    side = 1 if front else -1
    rows = [
        np.column_stack([(middle + across * half * out) * [side, 1], side * (depth + 2.2 + up)]) / 1e3
        for out, up in section
    ]
    share = columns / along[-1]
    flat = [
        np.column_stack([left + (right - left) * share, np.full(len(share), (top + bottom) / 2 - half * out)])
        for out, _ in section
    ]
    material = np.full(len(section) * len(share), CLOTH, np.uint8)
    triangles = _grid(len(section), len(share))[:, ::-1]
    return Strip(np.concatenate(rows), np.concatenate(flat), material, triangles, len(section))


def label(surface: Surface, centre: Sequence[float], width: float, height: float) -> Strip:
    """A label of `width` x `height` mm on the inside of the cloth, around a flat `centre`."""
    steps = 6
    across, down = np.meshgrid(np.linspace(-0.5, 0.5, steps), np.linspace(-0.5, 0.5, steps))
    flat = np.stack([across.ravel() * width + centre[0], down.ravel() * height + centre[1]], axis=1)
    points, normals = surface.at(flat)
    # It is sewn on at its upper side and stands off a little below.
    lift = (1.2 + 0.6 * (down.ravel() + 0.5)) / 1e3
    triangles = _grid(steps, steps)
    material = np.full(len(flat), Material.LABEL, np.uint8)
    return Strip(points - normals * lift[:, None], flat, material, triangles, steps)
