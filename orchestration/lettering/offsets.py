"""Growing and shrinking plane regions by a distance.

Offsets with round joins, and how finely round things are cut. Keep out: what is offset, or why.

A ring is an array of shape (points, 2), counter-clockwise around a region and clockwise around its holes. Lengths are
in one unit; the default tolerance is meant for millimetres.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import manifold3d
    from numpy.typing import NDArray

    Ring = NDArray[np.float64]

TOLERANCE: Final = 0.01
"""How far a flattened curve may lie from the true one: in mm, a fortieth of a printer's nozzle."""


def segments(radius: float, tolerance: float = TOLERANCE) -> int:
    """Return how many segments, a multiple of 4, keep a circle of `radius` within `tolerance`."""
    if radius <= tolerance:
        return 8
    return max(8, 4 * math.ceil(math.pi / math.acos(1 - tolerance / radius) / 4))


def grow(section: manifold3d.CrossSection, distance: float, tolerance: float = TOLERANCE) -> manifold3d.CrossSection:
    """Offset a section by `distance` with round joins; a negative distance shrinks it."""
    import manifold3d as m3

    if not distance:
        return section
    grown = section.offset(distance, m3.JoinType.Round, 2.0, segments(abs(distance), tolerance))
    return grown.simplify(tolerance / 2)


def shrunk(section: manifold3d.CrossSection, distance: float) -> manifold3d.CrossSection:
    """Shrink a section whose outward corners are all rounder than `distance` mm, as a grown section's are.

    Clipper2 puts a spike of the length of the offset on every such corner and then resolves all their crossings.
    Where corners are round the offset ring is regular there, so it is written down directly; what remains to be
    resolved, by the rule of positive winding, are the few places where parts of the section part from each other.
    This takes a tenth of the time.
    """
    import manifold3d as m3

    if not distance:
        return section
    rings = [_shrunk_ring(ring, distance) for ring in section.simplify(TOLERANCE / 2).to_polygons()]
    return m3.CrossSection(rings, m3.FillRule.Positive).simplify(TOLERANCE / 2)


def _shrunk_ring(ring: Ring, distance: float) -> Ring:
    after = np.roll(ring, -1, axis=0) - ring
    after /= np.hypot(after[:, 0], after[:, 1])[:, None]
    before = np.roll(after, 1, axis=0)
    turn = np.arctan2(
        before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0], before[:, 0] * after[:, 0] + before[:, 1] * after[:, 1]
    )
    # A corner into the region becomes an arc; any other corner moves along its bisector.
    step = 2 * math.pi / segments(distance)
    steps = np.where(turn < -step, np.ceil(-turn / step).astype(int), 0)
    corner = np.repeat(np.arange(len(ring)), steps + 1)
    at = np.arange(len(corner)) - np.repeat(np.cumsum(steps + 1) - steps - 1, steps + 1)
    heading = np.arctan2(before[:, 1], before[:, 0])[corner]
    whole = steps[corner]
    share = np.where(whole > 0, at / np.maximum(whole, 1), 0.5)
    angle = heading + turn[corner] * share + math.pi / 2
    reach = np.where(whole > 0, distance, distance / np.cos(turn[corner] / 2))
    moved: Ring = ring[corner] + np.stack([np.cos(angle), np.sin(angle)], axis=1) * reach[:, None]
    return moved
