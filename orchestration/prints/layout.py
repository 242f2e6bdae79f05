"""Lines of glyphs in millimetres: where each line stands, and that no two lines touch.

Belongs here: placing shaped lines one below the other. Does not: shaping, or what is built around the text.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.prints.offsets import grow
from orchestration.prints.refusal import Check, PrintRefusedError, describe
from orchestration.prints.shaping import shape_line
from orchestration.prints.text import JOINERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import manifold3d

    from orchestration.prints.designs import Lettering
    from orchestration.prints.fonts import FontLibrary, Typeface
    from orchestration.prints.offsets import Ring
    from orchestration.prints.outlines import Outline, Outlines, Scale
    from orchestration.prints.shaping import Glyph

LINE_GAP: Final = 0.8
"""The least distance in mm between the letters of two lines: two nozzle widths, so that no sliver is printed."""


class Box(NamedTuple):
    """A rectangle in mm."""

    left: float
    bottom: float
    right: float
    top: float

    def moved(self, x: float, y: float) -> Box:
        """Return the box shifted by `x` and `y`."""
        return Box(self.left + x, self.bottom + y, self.right + x, self.top + y)


class Placed(NamedTuple):
    """One drawn glyph and the place of its origin in mm."""

    glyph: Glyph
    outline: Outline
    x: float
    y: float

    @property
    def box(self) -> Box:
        """Where its grown outline lies."""
        return Box(*self.outline.box).moved(self.x, self.y)

    @property
    def section(self) -> manifold3d.CrossSection:
        """Its grown outline, in place."""
        return self.outline.section.translate((self.x, self.y))


class TextLine(NamedTuple):
    """One line of the product: its glyphs, the height of its middle, and the box of its ink."""

    text: str
    glyphs: tuple[Placed, ...]
    middle: float
    box: Box


class TextBlock(NamedTuple):
    """The text of a product, centred on y = 0, its lines starting at x = 0."""

    lines: tuple[TextLine, ...]
    scale: Scale
    box: Box

    @property
    def glyphs(self) -> tuple[Placed, ...]:
        """Every drawn glyph."""
        return tuple(placed for line in self.lines for placed in line.glyphs)

    @property
    def faces(self) -> dict[str, str]:
        """The fonts that drew the text: label to SHA-256 of the file."""
        faces = {placed.glyph.face.label: placed.glyph.face.sha256 for placed in self.glyphs}
        return dict(sorted(faces.items()))

    def grown(self, outlines: Outlines, distance: float) -> list[Ring]:
        """Return the rings of every glyph in place, grown by `distance` mm; they may overlap."""
        return [
            ring + np.array((placed.x, placed.y))
            for placed in self.glyphs
            for ring in outlines.grown(placed.glyph.face, placed.glyph.number, self.scale, distance)
        ]


def lay_out(
    lines: Sequence[str], lettering: Lettering, library: FontLibrary, outlines: Outlines, *, scale: Scale | None = None
) -> TextBlock:
    """Shape the lines and stack them at the design's pitch, wider where letters would touch.

    Raises:
        PrintRefusedError: a character has no glyph or no outline; the message names it.
        ConfigurationError: none of the design's fonts is installed.

    """
    face = library.first(lettering.fonts)
    drawn_at = scale or lettering.scale
    rows = [_row(line, face, lettering, library=library, outlines=outlines, scale=drawn_at) for line in lines]
    offsets = [0.0]
    for above, below in pairwise(rows):
        offsets.append(offsets[-1] - _pitch(above, below, lettering.pitch))
    centre = (offsets[0] + offsets[-1]) / 2
    baseline = -lettering.capital / 2 * lettering.size * drawn_at.em / lettering.scale.em
    placed = tuple(
        _line(text, row, offset - centre, baseline) for text, row, offset in zip(lines, rows, offsets, strict=True)
    )
    return TextBlock(placed, drawn_at, _around([line.box for line in placed]))


def _row(
    line: str, face: Typeface, lettering: Lettering, *, library: FontLibrary, outlines: Outlines, scale: Scale
) -> list[Placed]:
    shaped = shape_line(line, face, library, spacing=lettering.spacing, bold=lettering.bold)
    row: list[Placed] = []
    blank: list[str] = []
    for glyph in shaped.glyphs:
        outline = outlines.get(glyph.face, glyph.number, scale)
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
        visible = text.strip(f"{JOINERS} ")
        if visible and text not in drawn:
            raise PrintRefusedError(
                Check.CHARACTERS,
                f"{describe(text)} has no outline to print",
                remedy="delete it, or ask for another spelling",
            )


def _pitch(above: list[Placed], below: list[Placed], pitch: float) -> float:
    """Return the distance between two baselines: `pitch`, or as much more as keeps their letters apart."""
    low = np.array([placed.box for placed in above])
    high = np.array([placed.box for placed in below])
    side_by_side = (low[:, None, 0] < high[:, 2] + LINE_GAP) & (low[:, None, 2] + LINE_GAP > high[:, 0])
    needed = np.where(side_by_side, high[:, 3] - low[:, None, 1] + LINE_GAP, 0.0)
    for upper, lower in np.argwhere(needed > pitch):
        apart = grow(above[upper].section, LINE_GAP) ^ below[lower].section.translate((0.0, -pitch))
        if not apart.is_empty():
            return float(needed.max())
    return pitch


def _line(text: str, row: list[Placed], middle: float, baseline: float) -> TextLine:
    glyphs = tuple(placed._replace(y=placed.y + middle + baseline) for placed in row)
    return TextLine(text, glyphs, middle, _around([placed.box for placed in glyphs]))


def _around(boxes: Sequence[Box]) -> Box:
    left, bottom, right, top = zip(*boxes, strict=True)
    return Box(min(left), min(bottom), max(right), max(top))
