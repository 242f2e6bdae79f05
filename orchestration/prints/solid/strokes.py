"""Whether a nozzle can draw a letter: its thinnest stroke, and the gaps that would fill up.

It holds measures of one glyph, each taken once. Keep out: the check that refuses a product for them (`proofs`).
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from orchestration.lettering.offsets import TOLERANCE, grow

if TYPE_CHECKING:
    import manifold3d

    from orchestration.lettering.fonts import Typeface
    from orchestration.lettering.outlines import Outline, Outlines, Scale


class Legibility(Enum):
    """How a glyph comes out of a nozzle."""

    CLEAR = auto()
    THIN = auto()
    """A stroke is narrower than the nozzle and would be left out."""
    CLOGGED = auto()
    """Most of its gaps are narrower than the nozzle and would run full."""


class Strokes:
    """The legibility of every glyph measured so far."""

    def __init__(self, outlines: Outlines, capacity: int = 20_000) -> None:
        self._outlines = outlines
        self._capacity = capacity
        self._legible: dict[tuple[str, str, int, Scale, float], Legibility] = {}

    def legibility(self, face: Typeface, glyph: int, scale: Scale, nozzle: float) -> Legibility:
        """Tell how a glyph comes out of a nozzle of `nozzle` mm."""
        key = (face.sha256, face.label, glyph, scale, nozzle)
        if key not in self._legible:
            if len(self._legible) >= self._capacity:
                self._legible.clear()
            outline = self._outlines.get(face, glyph, scale)
            self._legible[key] = Legibility.CLEAR if outline is None else _legibility(outline, scale.growth, nozzle)
        return self._legible[key]


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
