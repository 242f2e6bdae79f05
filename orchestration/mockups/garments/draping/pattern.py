"""The flat pattern as triangles: sewn sides get as many points on both pieces, and become the same vertices.

Corners are the points of the flat pieces, with their place in mm; vertices are the points of the sewn cloth. A sewn
corner shares its vertex with the corners that it is sewn to. Keep out: the third dimension (`cloth`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from orchestration.mockups.garments.draping.trim import HANDLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orchestration.mockups.garments.model import Edge, Garment, Piece


@dataclass(frozen=True, eq=False)
class FlatPiece:
    """A triangulated piece: `flat` (n, 2) mm, `triangles` (m, 3), counter-clockwise seen from outside with y up.

    `sides` are the corners along each edge, in its direction, both ends included. `first` is the number of its first
    corner among those of all pieces.
    """

    piece: Piece
    flat: NDArray[np.float64]
    triangles: NDArray[np.int64]
    sides: dict[str, NDArray[np.int64]]
    first: int

    def kept_in(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """The flat places (n, 2) mm, each that lies beside the piece moved to the nearest place of its outline."""
        start = self.flat[np.concatenate([side[:-1] for side in self.sides.values()])]
        way = np.roll(start, -1, axis=0) - start
        beside = np.flatnonzero(~_inside(start, places))
        share = ((places[beside, None] - start) * way).sum(axis=2) / (way**2).sum(axis=1)
        nearest = start + np.clip(share, 0, 1)[..., None] * way
        best = np.linalg.norm(places[beside, None] - nearest, axis=2).argmin(axis=1)
        kept = places.copy()
        kept[beside] = nearest[np.arange(len(beside)), best]
        return kept


@dataclass(frozen=True, eq=False)
class Pattern:
    """All pieces, and `vertex_of`: the vertex of each corner."""

    pieces: tuple[FlatPiece, ...]
    vertex_of: NDArray[np.int64]

    @property
    def flat(self) -> NDArray[np.float64]:
        """All corners in mm, each in the coordinates of its piece."""
        return np.concatenate([piece.flat for piece in self.pieces])

    @property
    def triangles(self) -> NDArray[np.int64]:
        """All triangles as corners."""
        return np.concatenate([piece.triangles + piece.first for piece in self.pieces])

    def side(self, name: str) -> NDArray[np.int64]:
        """The corners of a side `piece.edge`, backwards with a minus before it."""
        piece, _, edge = name.lstrip("-").partition(".")
        flat = next(flat for flat in self.pieces if flat.piece.name == piece)
        corners = flat.sides[edge] + flat.first
        return corners[::-1] if name.startswith("-") else corners


def cut_pattern(garment: Garment, spacing: float) -> Pattern:
    """Triangulate the pieces that fall with triangles of about `spacing` mm, and sew them."""
    counts = _counts(garment, spacing)
    pieces: list[FlatPiece] = []
    for piece in garment.pieces:
        if piece.drape in HANDLES:
            continue
        pieces.append(_flat_piece(piece, counts, spacing, sum(len(done.flat) for done in pieces)))
    total = sum(len(piece.flat) for piece in pieces)
    unsewn = Pattern(tuple(pieces), np.arange(total))
    return Pattern(tuple(pieces), _sew(unsewn, garment.seams, total))


def _counts(garment: Garment, spacing: float) -> dict[str, int]:
    """How many intervals each side has; both sides of a seam as many as the longer one needs."""
    lengths = {
        f"{piece.name}.{edge.name}": float(np.linalg.norm(np.diff(np.asarray(edge.points), axis=0), axis=1).sum())
        for piece in garment.pieces
        for edge in piece.edges
    }
    counts = {name: max(2, round(length / spacing)) for name, length in lengths.items()}
    for first, second in garment.seams:
        one, other = first.lstrip("-"), second.lstrip("-")
        counts[one] = counts[other] = max(counts[one], counts[other])
    return counts


def _flat_piece(piece: Piece, counts: dict[str, int], spacing: float, first: int) -> FlatPiece:
    from scipy.spatial import Delaunay

    lines, sides, start = [], {}, 0
    for edge in piece.edges:
        intervals = counts[f"{piece.name}.{edge.name}"]
        lines.append(_resample(edge, intervals)[:-1])
        sides[edge.name] = np.arange(start, start + intervals + 1)
        start += intervals
    sides[piece.edges[-1].name][-1] = 0
    border = np.concatenate(lines)
    flat = np.concatenate([border, _inner_points(border, spacing)])
    triangles = Delaunay(flat).simplices.astype(np.int64)
    triangles = triangles[_inside(border, flat[triangles].mean(axis=1))]
    first_leg, second_leg = (flat[triangles[:, k]] - flat[triangles[:, 0]] for k in (1, 2))
    area = first_leg[:, 0] * second_leg[:, 1] - first_leg[:, 1] * second_leg[:, 0]
    # The flat y points down, so that what is clockwise here is counter-clockwise outside.
    triangles = np.where((area > 0)[:, None], triangles[:, ::-1], triangles)[np.abs(area) > spacing**2 * 1e-3]
    return FlatPiece(piece, flat, triangles, sides, first)


def _inner_points(border: NDArray[np.float64], spacing: float) -> NDArray[np.float64]:
    """A triangular grid inside the outline that keeps half a spacing away from it."""
    from scipy.spatial import cKDTree

    (left, top), (right, bottom) = border.min(axis=0), border.max(axis=0)
    rows = np.arange(top, bottom, spacing * 3**0.5 / 2)
    columns = np.arange(left - spacing, right + spacing, spacing)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1)
    grid[1::2, :, 0] += spacing / 2
    points = grid.reshape(-1, 2)
    near, _ = cKDTree(border).query(points)
    inner: NDArray[np.float64] = points[_inside(border, points) & (near > spacing * 0.55)]
    return inner


def _inside(border: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each point is inside the closed outline, by the parity of crossings."""
    inside = np.zeros(len(points), bool)
    x, y = points.T
    for (x0, y0), (x1, y1) in zip(border, np.roll(border, -1, axis=0), strict=True):
        if y0 != y1:
            inside ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return inside


def _resample(edge: Edge, intervals: int) -> NDArray[np.float64]:
    points = np.asarray(edge.points)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    wanted = np.linspace(0, along[-1], intervals + 1)
    return np.stack([np.interp(wanted, along, points[:, axis]) for axis in (0, 1)], axis=1)


def _sew(pattern: Pattern, seams: tuple[tuple[str, str], ...], total: int) -> NDArray[np.int64]:
    """Number the vertices: sewn corners are one, however many pieces meet in them."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = [np.stack([pattern.side(first), pattern.side(second)]) for first, second in seams]
    rows, columns = np.concatenate(pairs, axis=1) if pairs else np.empty((2, 0), np.int64)
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(total, total))
    vertex_of: NDArray[np.int64] = connected_components(graph, directed=False)[1].astype(np.int64)
    return vertex_of
