"""Glyph outlines in millimetres, flattened by a tolerance, and the same outlines grown by a distance; each made once.

Belongs here: curves to polygons, one glyph at a time, and the thinnest stroke of one glyph. Does not: where glyphs
stand, or how they join.

manifold3d's CrossSection (Clipper2) does the 2D geometry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

import numpy as np

from orchestration.prints.offsets import TOLERANCE, grow

if TYPE_CHECKING:
    import manifold3d

    from orchestration.prints.fonts import Typeface
    from orchestration.prints.offsets import Ring

    Point = tuple[float, float]

OPENSCAD_EM: Final = 100 / 72
"""Ems per text size in OpenSCAD: `text(size=18)` draws letters on an em of 25 mm."""


class _Flattener:
    """A pen that turns a glyph's curves into rings of points in font units (fontTools pen protocol)."""

    def __init__(self, tolerance: float) -> None:
        self.rings: list[list[Point]] = []
        self._points: list[Point] = []
        self._tolerance = tolerance

    def moveTo(self, point: Point) -> None:  # noqa: N802 - the protocol's name
        self._points = [point]

    def lineTo(self, point: Point) -> None:  # noqa: N802 - the protocol's name
        self._points.append(point)

    def qCurveTo(self, control: Point, end: Point) -> None:  # noqa: N802 - the protocol's name
        # A quadratic is the cubic whose control points lie two thirds of the way to its own.
        start = self._points[-1]
        first = (start[0] + 2 * (control[0] - start[0]) / 3, start[1] + 2 * (control[1] - start[1]) / 3)
        second = (end[0] + 2 * (control[0] - end[0]) / 3, end[1] + 2 * (control[1] - end[1]) / 3)
        self.curveTo(first, second, end)

    def curveTo(self, first: Point, second: Point, end: Point) -> None:  # noqa: N802 - the protocol's name
        start = self._points[-1]
        bend = max(
            math.hypot(start[0] - 2 * first[0] + second[0], start[1] - 2 * first[1] + second[1]),
            math.hypot(first[0] - 2 * second[0] + end[0], first[1] - 2 * second[1] + end[1]),
        )
        # Wang's formula: this many equal steps keep the chord within the tolerance.
        steps = max(1, math.ceil(math.sqrt(0.75 * bend / self._tolerance)))
        for step in range(1, steps + 1):
            t = step / steps
            u = 1 - t
            weights = u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t
            controls = start, first, second, end
            x = sum(weight * point[0] for weight, point in zip(weights, controls, strict=True))
            y = sum(weight * point[1] for weight, point in zip(weights, controls, strict=True))
            self._points.append((x, y))

    def closePath(self) -> None:  # noqa: N802 - the protocol's name
        if len(self._points) > 1 and self._points[0] == self._points[-1]:
            self._points.pop()
        if len(self._points) > 2:  # noqa: PLR2004 - a ring has three points
            self.rings.append(self._points)
        self._points = []

    def endPath(self) -> None:  # noqa: N802 - the protocol's name
        self.closePath()


@dataclass(frozen=True, slots=True)
class Scale:
    """How a design draws letters: the em in mm, the stretch across, the growth of every outline in mm."""

    em: float
    stretch: float
    growth: float


@dataclass(frozen=True, slots=True)
class Outline:
    """One glyph of one face at one scale, around its own origin."""

    section: manifold3d.CrossSection
    """The glyph, grown by the design's weight."""
    bare: tuple[Ring, ...]
    """The glyph as its font draws it, before growth, overlapping contours united."""
    box: tuple[float, float, float, float]
    """Left, bottom, right, top of the grown glyph."""


class Legibility(Enum):
    """How a glyph comes out of a nozzle."""

    CLEAR = auto()
    THIN = auto()
    """A stroke is narrower than the nozzle and would be left out."""
    CLOGGED = auto()
    """Most of its gaps are narrower than the nozzle and would run full."""


class Outlines:
    """The outlines of every glyph drawn so far, each flattened and grown once."""

    def __init__(self, capacity: int = 20_000) -> None:
        self._capacity = capacity
        self._outlines: dict[tuple[str, str, int, Scale], Outline | None] = {}
        self._grown: dict[tuple[str, str, int, Scale, float], tuple[Ring, ...]] = {}
        self._legible: dict[tuple[str, str, int, Scale, float], Legibility] = {}

    def get(self, face: Typeface, glyph: int, scale: Scale) -> Outline | None:
        """Return the outline of a glyph, or None for one without: a space, a colour picture."""
        key = (face.sha256, face.label, glyph, scale)
        if key not in self._outlines:
            self._make_room()
            self._outlines[key] = _outline(face, glyph, scale)
        return self._outlines[key]

    def grown(self, face: Typeface, glyph: int, scale: Scale, distance: float) -> tuple[Ring, ...]:
        """Return the rings of a glyph's outline, grown by `distance` mm beyond the design's weight."""
        key = (face.sha256, face.label, glyph, scale, distance)
        if key not in self._grown:
            outline = self.get(face, glyph, scale)
            self._grown[key] = tuple(grow(outline.section, distance).to_polygons()) if outline else ()
        return self._grown[key]

    def legibility(self, face: Typeface, glyph: int, scale: Scale, nozzle: float) -> Legibility:
        """Tell how a glyph comes out of a nozzle of `nozzle` mm."""
        key = (face.sha256, face.label, glyph, scale, nozzle)
        if key not in self._legible:
            outline = self.get(face, glyph, scale)
            self._legible[key] = Legibility.CLEAR if outline is None else _legibility(outline, scale.growth, nozzle)
        return self._legible[key]

    def _make_room(self) -> None:
        if len(self._outlines) >= self._capacity:
            self._outlines.clear()
            self._grown.clear()
            self._legible.clear()


_LOST_AREA: Final = 0.6
"""A stroke is too thin when an opening by the nozzle takes away a piece larger than this many nozzle squares: sharp
corners lose less."""


_CLOGGED_SHARE: Final = 0.27
"""A letter is unreadable when gaps as large as this share of its strokes run full; letters of names stay below a
quarter, the densest Chinese characters do not."""
_CLOGGED_AREA: Final = 6.0
"""In mm²: gaps that are smaller in all belong to a mark above a letter, which is read by its place."""


def _legibility(outline: Outline, growth: float, nozzle: float) -> Legibility:
    import manifold3d as m3

    if not strokes_hold(outline.section, nozzle):
        return Legibility.THIN
    bare = m3.CrossSection(list(outline.bare), m3.FillRule.NonZero)
    # Growing eats into a gap from both sides, and the nozzle bridges what is left when that is narrower than itself.
    reach = growth + nozzle / 2
    filled = grow(grow(bare, reach), -reach).area() - bare.area()
    return Legibility.CLOGGED if filled > max(_CLOGGED_AREA, _CLOGGED_SHARE * bare.area()) else Legibility.CLEAR


def strokes_hold(section: manifold3d.CrossSection, nozzle: float) -> bool:
    """Tell whether a section survives erosion by half a nozzle and growth back, but for its sharp corners."""
    opened = grow(grow(section, -nozzle / 2), nozzle / 2 + TOLERANCE)
    lost = section - opened
    limit = _LOST_AREA * nozzle * nozzle
    return lost.area() <= limit or all(piece.area() <= limit for piece in lost.decompose())


def thinnest_stroke(section: manifold3d.CrossSection, nozzle: float) -> float:
    """Return the width in mm, to 0.01, below `nozzle` at which every stroke of a section would still hold."""
    low, high = 0.0, nozzle
    while high - low > TOLERANCE:
        middle = (low + high) / 2
        low, high = (middle, high) if strokes_hold(section, middle) else (low, middle)
    return low


def _outline(face: Typeface, glyph: int, scale: Scale) -> Outline | None:
    import manifold3d as m3

    unit = scale.em / face.units_per_em
    pen = _Flattener(TOLERANCE / unit)
    face.font.draw_glyph_with_pen(glyph, pen)
    if not pen.rings:
        return None
    contours = [np.asarray(ring) * (unit * scale.stretch, unit) for ring in pen.rings]
    bare = m3.CrossSection(contours, m3.FillRule.NonZero).simplify(TOLERANCE / 2)
    section = grow(bare, scale.growth)
    return None if section.is_empty() else Outline(section, tuple(bare.to_polygons()), section.bounds())
