"""A garment: the pieces of its flat pattern, its place on the template canvas, print panels and zones, sizes.

Lengths are millimetres in the coordinates of a piece: seen from outside the garment, x to the right, y down from its
highest point. "Left" is the wearer's left. The canvas is the square template art on which a design is composited.
The lower left quadrant of the canvas holds the FRONT piece and the lower right one the BACK piece, and the panels carry
the same names: the original's art had them swapped, so that its script printed chest designs on the back.
Keep out: reading of files (`library`), the mesh, colours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from orchestration.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from orchestration.mockups.rectangle import Rectangle

Points = tuple[tuple[float, float], ...]


class Box(NamedTuple):
    """A rectangle on the canvas in px; `x1` and `y1` lie outside."""

    x0: int
    y0: int
    x1: int
    y1: int


class Edge(NamedTuple):
    """A side of a piece, a polyline in the direction of the outline; `stitches`: lines of thread, so many mm inside."""

    name: str
    points: Points
    stitches: tuple[float, ...]


class Size(NamedTuple):
    """A size of the garment.

    `print_scale` is the rule of shrinking: a print of the template's size is made by this factor smaller, so that it
    covers no more of a small body. Sizes above the template's keep the print's size.
    """

    name: str
    width_mm: float
    length_mm: float
    print_scale: float


@dataclass(frozen=True, eq=False)
class Piece:
    """One piece of cloth.

    `place` is where its origin lies on the canvas, `zone` where on the piece ink may be, both in mm.
    """

    name: str
    drape: str
    place: tuple[float, float]
    edges: tuple[Edge, ...]
    zone: Rectangle | None

    def edge(self, name: str) -> Edge:
        """The side of that name."""
        return next(edge for edge in self.edges if edge.name == name)

    @cached_property
    def outline(self) -> NDArray[np.float64]:
        """The closed outline, (n, 2) mm, the last point unlike the first."""
        return np.concatenate([np.asarray(edge.points[:-1]) for edge in self.edges])


@dataclass(frozen=True, eq=False)
class Garment:
    """A garment that designs are shown on; the render template of a job."""

    template_id: str
    name: str
    cut: str
    active: bool
    thumbnail: str
    presets: tuple[str, ...]
    fabrics: tuple[str, ...]
    canvas_px: int
    px_per_mm: float
    panels: Mapping[str, Box]
    pieces: tuple[Piece, ...]
    seams: tuple[tuple[str, str], ...]
    template_size: str
    sizes: tuple[Size, ...]
    form: Mapping[str, tuple[tuple[float, ...], ...]]
    version: str

    def piece(self, name: str) -> Piece:
        """The piece of that name. Raises `NotFoundError`."""
        for piece in self.pieces:
            if piece.name == name:
                return piece
        raise NotFoundError(
            f"{self.template_id} has no piece {name!r}; it has {', '.join(p.name for p in self.pieces)}"
        )

    def size(self, name: str) -> Size:
        """The size of that name. Raises `NotFoundError`."""
        for size in self.sizes:
            if size.name == name:
                return size
        raise NotFoundError(f"{self.template_id} has no size {name!r}; it has {', '.join(s.name for s in self.sizes)}")

    def to_canvas(self, piece: Piece, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (n, 2) of a piece in mm as canvas px."""
        moved: NDArray[np.float64] = (points + np.asarray(piece.place)) * self.px_per_mm
        return moved

    def zone_px(self, piece: Piece) -> Box:
        """The printable zone of a piece on the canvas. Raises `NotFoundError` for a piece that is not printed on."""
        if piece.zone is None:
            raise NotFoundError(f"{self.template_id}: the piece {piece.name} has no printable zone")
        x0, y0, x1, y1 = piece.zone
        corners = self.to_canvas(piece, np.array([[x0, y0], [x1, y1]])).round().astype(int).ravel()
        return Box(*(int(value) for value in corners))
