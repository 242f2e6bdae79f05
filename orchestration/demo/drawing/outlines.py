"""Flat outlines as lists of points: curves, ellipses, rounded boxes, turned silhouettes.

Geometry in design units (the sheet is 1000 units wide and high, y grows downwards). Keep out: pixels,
colours and light, which are `sheet.py` and `light.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Point = tuple[float, float]
Outline = Sequence[Point]

# Steps of one curve segment: at 1000 px a chord then stays within half a pixel of its arc.
CURVE_STEPS = 8
ELLIPSE_STEPS = 60


def smooth(*points: Point, closed: bool = True) -> list[Point]:
    """A curve through all points (uniform Catmull-Rom spline); a point given twice in a row is a corner.

    Source of the basis: Catmull and Rom, "A class of local interpolating splines", 1974, with tension 1/2.
    """
    count = len(points)
    ring = points if closed else (points[0], *points, points[-1])
    segments = range(count) if closed else range(1, count)
    curve: list[Point] = []
    for i in segments:
        around = [ring[(i + k) % len(ring)] for k in (-1, 0, 1, 2)]
        if around[1] != around[2]:
            curve += (_spline_point(around, step / CURVE_STEPS) for step in range(CURVE_STEPS))
    return curve if closed else [*curve, points[-1]]


def _spline_point(p: Sequence[Point], t: float) -> Point:
    weights = (
        t * (-0.5 + t * (1.0 - 0.5 * t)),
        1.0 + t * t * (-2.5 + 1.5 * t),
        t * (0.5 + t * (2.0 - 1.5 * t)),
        t * t * (-0.5 + 0.5 * t),
    )
    return (
        sum(w * q[0] for w, q in zip(weights, p, strict=True)),
        sum(w * q[1] for w, q in zip(weights, p, strict=True)),
    )


def arc(centre: Point, radii: Point, start: float, end: float) -> list[Point]:
    """Points of an elliptic arc from `start` to `end` degrees; 0 is to the right and 90 is down."""
    steps = max(2, round(abs(end - start) / 360 * ELLIPSE_STEPS))
    angles = (math.radians(start + (end - start) * i / steps) for i in range(steps + 1))
    return [(centre[0] + radii[0] * math.cos(a), centre[1] + radii[1] * math.sin(a)) for a in angles]


def ellipse(centre: Point, radii: Point) -> list[Point]:
    """A whole ellipse with half axes `radii`."""
    return arc(centre, radii, 0, 360)


def rounded_box(left: float, top: float, right: float, bottom: float, radius: float) -> list[Point]:
    """An upright box with quarter-circle corners."""
    corners = (
        (right - radius, bottom - radius, 0),
        (left + radius, bottom - radius, 90),
        (left + radius, top + radius, 180),
        (right - radius, top + radius, 270),
    )
    return [p for x, y, start in corners for p in arc((x, y), (radius, radius), start, start + 90)]


def turned(axis: float, profile: Sequence[Point], tilt: float = 0.0) -> list[Point]:
    """The silhouette of a turned solid.

    `profile` is (radius, y) from top to bottom. `tilt` is the ratio of height to width of the end ellipses: 0 is seen
    from the side, 0.15 from slightly above.
    """
    (top_radius, top), (bottom_radius, bottom) = profile[0], profile[-1]
    right = [(axis + r, y) for r, y in profile]
    left = [(axis - r, y) for r, y in reversed(profile)]
    base = arc((axis, bottom), (bottom_radius, bottom_radius * tilt), 0, 180)
    crown = arc((axis, top), (top_radius, top_radius * tilt), 180, 360)
    return [*right, *base, *left, *crown]


def mirrored(outline: Iterable[Point], axis: float = 500.0) -> list[Point]:
    """The outline flipped left to right about a vertical axis."""
    return [(2 * axis - x, y) for x, y in outline]


def moved(outline: Iterable[Point], dx: float, dy: float) -> list[Point]:
    """The outline shifted."""
    return [(x + dx, y + dy) for x, y in outline]


def band(path: Sequence[Point], width: float) -> list[Point]:
    """The outline of a strap of a width along an open path, with blunt ends."""
    ends = (path[0], *path, path[-1])
    near: list[Point] = []
    far: list[Point] = []
    for before, (x, y), after in zip(ends, ends[1:], ends[2:], strict=False):
        dx, dy = after[0] - before[0], after[1] - before[1]
        length = math.hypot(dx, dy) or 1.0
        nx, ny = -dy / length * width / 2, dx / length * width / 2
        near.append((x + nx, y + ny))
        far.append((x - nx, y - ny))
    return [*near, *reversed(far)]
