"""Glyph outlines, flattened by a tolerance, and the same outlines grown by a distance; each made once.

Curves to polygons, one glyph at a time, in the unit of the em: millimetres or pixels. Keep out: where glyphs
stand, or how they join.

manifold3d's CrossSection (Clipper2) does the 2D geometry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from orchestration.lettering.offsets import TOLERANCE, grow

if TYPE_CHECKING:
    import manifold3d

    from orchestration.lettering.fonts import Typeface
    from orchestration.lettering.offsets import Ring

    Point = tuple[float, float]


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
    """How letters are drawn: the em, the stretch across, the growth of every outline.

    The em, the growth and the tolerance, by which a flattened curve may lie from the true one, are in one unit.
    """

    em: float
    stretch: float = 1.0
    growth: float = 0.0
    tolerance: float = TOLERANCE

    def sized(self, size: float) -> Scale:
        """Return the scale of a glyph whose em is `size` of the line's; its growth is the line's."""
        return self if size == 1.0 else replace(self, em=self.em * size)


@dataclass(frozen=True, slots=True, eq=False)
class Ink:
    """A grown glyph in plain numbers; the same object wherever it is drawn.

    A cache that lives as long as the process may keep it. A section in one is reported by manifold3d as leaked.
    """

    rings: tuple[Ring, ...]
    box: tuple[float, float, float, float]
    """Left, bottom, right, top."""


@dataclass(frozen=True, slots=True)
class Outline:
    """One glyph of one face at one scale, around its own origin."""

    section: manifold3d.CrossSection
    """The glyph, grown as its scale says."""
    bare: tuple[Ring, ...]
    """The glyph as its font draws it, before growth, overlapping contours united."""
    ink: Ink


class Outlines:
    """The outlines of every glyph drawn so far, each flattened and grown once."""

    def __init__(self, capacity: int = 20_000) -> None:
        self._capacity = capacity
        self._outlines: dict[tuple[str, str, int, Scale], Outline | None] = {}
        self._grown: dict[tuple[str, str, int, Scale, float], tuple[Ring, ...]] = {}

    def get(self, face: Typeface, glyph: int, scale: Scale) -> Outline | None:
        """Return the outline of a glyph, or None for one without: a space, a colour picture."""
        key = (face.sha256, face.label, glyph, scale)
        if key not in self._outlines:
            self._make_room()
            self._outlines[key] = _outline(face, glyph, scale)
        return self._outlines[key]

    def grown(self, face: Typeface, glyph: int, scale: Scale, distance: float) -> tuple[Ring, ...]:
        """Return the rings of a glyph's outline, grown by `distance` beyond what its scale says."""
        key = (face.sha256, face.label, glyph, scale, distance)
        if key not in self._grown:
            outline = self.get(face, glyph, scale)
            self._grown[key] = _rings(outline, distance, scale.tolerance)
        return self._grown[key]

    def _make_room(self) -> None:
        if len(self._outlines) >= self._capacity:
            self._outlines.clear()
            self._grown.clear()


def _outline(face: Typeface, glyph: int, scale: Scale) -> Outline | None:
    import manifold3d as m3

    unit = scale.em / face.units_per_em
    pen = _Flattener(scale.tolerance / unit)
    face.font.draw_glyph_with_pen(glyph, pen)
    if not pen.rings:
        return None
    contours = [np.asarray(ring) * (unit * scale.stretch, unit) for ring in pen.rings]
    bare = m3.CrossSection(contours, m3.FillRule.NonZero).simplify(scale.tolerance / 2)
    section = grow(bare, scale.growth, scale.tolerance)
    if section.is_empty():
        return None
    return Outline(section, tuple(bare.to_polygons()), Ink(tuple(section.to_polygons()), section.bounds()))


def _rings(outline: Outline | None, distance: float, tolerance: float) -> tuple[Ring, ...]:
    return tuple(grow(outline.section, distance, tolerance).to_polygons()) if outline else ()
