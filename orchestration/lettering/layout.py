"""Glyphs in their places: a shaped line at a scale, boxes around ink, what several glyphs have in common.

One line of outlines at a time, in the unit of the em. Keep out: shaping, or where the lines stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from orchestration.lettering.errors import TextError, describe
from orchestration.lettering.text import INVISIBLE_ON_PURPOSE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import manifold3d

    from orchestration.lettering.offsets import Ring
    from orchestration.lettering.outlines import Outline, Outlines, Scale
    from orchestration.lettering.shaping import Glyph, ShapedLine


class Box(NamedTuple):
    """A rectangle; y grows upwards."""

    left: float
    bottom: float
    right: float
    top: float

    def moved(self, x: float, y: float) -> Box:
        """Return the box shifted by `x` and `y`."""
        return Box(self.left + x, self.bottom + y, self.right + x, self.top + y)


class Placed(NamedTuple):
    """One drawn glyph and the place of its origin."""

    glyph: Glyph
    outline: Outline
    x: float
    y: float

    @property
    def box(self) -> Box:
        """Where its grown outline lies."""
        return Box(*self.outline.ink.box).moved(self.x, self.y)

    @property
    def section(self) -> manifold3d.CrossSection:
        """Its grown outline, in place."""
        return self.outline.section.translate((self.x, self.y))


def place_line(shaped: ShapedLine, outlines: Outlines, scale: Scale) -> list[Placed]:
    """Place the outlines of a line that starts at x = 0 on the baseline y = 0; spaces have none.

    Raises:
        TextError: a visible character has a glyph but no outline, as a colour picture; the message names it.

    """
    row: list[Placed] = []
    blank: list[str] = []
    for glyph in shaped.glyphs:
        outline = outlines.get(glyph.face, glyph.number, scale.sized(glyph.size))
        if outline is None:
            blank.append(glyph.text)
        else:
            row.append(Placed(glyph, outline, glyph.x * scale.em * scale.stretch, glyph.y * scale.em))
    _check_drawn(blank, row)
    return row


def _check_drawn(blank: list[str], row: list[Placed]) -> None:
    """Refuse a character that has a glyph but no outline: the classic blank product."""
    drawn = {placed.glyph.text for placed in row}
    for text in blank:
        visible = text.strip(INVISIBLE_ON_PURPOSE)
        if visible and text not in drawn:
            raise TextError(f"{describe(text)} has no outline to print", "delete it, or ask for another spelling")


def box_around(boxes: Sequence[Box]) -> Box:
    """Return the smallest box that holds all of `boxes`, of which there is at least one."""
    left, bottom, right, top = zip(*boxes, strict=True)
    return Box(min(left), min(bottom), max(right), max(top))


def faces_of(glyphs: Iterable[Placed]) -> dict[str, str]:
    """Return the fonts that drew the glyphs: label to SHA-256 of the file, sorted."""
    return dict(sorted({placed.glyph.face.label: placed.glyph.face.sha256 for placed in glyphs}.items()))


def grown_rings(glyphs: Iterable[Placed], outlines: Outlines, scale: Scale, distance: float) -> list[Ring]:
    """Return the rings of every glyph in place, grown by `distance`; they may overlap."""
    return [
        ring + np.array((placed.x, placed.y))
        for placed in glyphs
        for ring in outlines.grown(placed.glyph.face, placed.glyph.number, scale.sized(placed.glyph.size), distance)
    ]
