"""The lines of a product in millimetres: where each line stands, and that no two lines touch.

Placing lines of glyphs one below the other. Keep out: shaping, or what is built around the text.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from orchestration.lettering.layout import Box, Placed, box_around, faces_of, grown_rings, place_line
from orchestration.lettering.offsets import grow
from orchestration.lettering.shaping import shape_line
from orchestration.lettering.spacing import spaced
from orchestration.prints.solid.refusal import Check, refused_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.lettering.fonts import FontLibrary, Typeface
    from orchestration.lettering.offsets import Ring
    from orchestration.lettering.outlines import Outlines, Scale
    from orchestration.prints.solid.designs import Lettering


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
        return faces_of(self.glyphs)

    def grown(self, outlines: Outlines, distance: float) -> list[Ring]:
        """Return the rings of every glyph in place, grown by `distance` mm; they may overlap."""
        return grown_rings(self.glyphs, outlines, self.scale, distance)


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
    with refused_by(Check.CHARACTERS):
        rows = [_row(line, face, lettering, library=library, outlines=outlines, scale=drawn_at) for line in lines]
    offsets = [0.0]
    for above, below in pairwise(rows):
        offsets.append(offsets[-1] - _pitch(above, below, lettering))
    centre = (offsets[0] + offsets[-1]) / 2
    baseline = -lettering.capital / 2 * lettering.size * drawn_at.em / lettering.scale.em
    placed = tuple(
        _line(text, row, offset - centre, baseline) for text, row, offset in zip(lines, rows, offsets, strict=True)
    )
    return TextBlock(placed, drawn_at, box_around([line.box for line in placed]))


def _row(
    line: str, face: Typeface, lettering: Lettering, *, library: FontLibrary, outlines: Outlines, scale: Scale
) -> list[Placed]:
    shaped = shape_line(line, face, library, spacing=lettering.spacing, bold=lettering.bold, level_capitals=True)
    row = place_line(shaped, outlines, scale)
    return spaced(row, lettering.rule(scale)) if lettering.gaps else row


def _pitch(above: list[Placed], below: list[Placed], lettering: Lettering) -> float:
    """Return the distance between two baselines: the design's, or as much more as keeps their letters apart."""
    pitch, gap = lettering.pitch, lettering.line_gap
    low = np.array([placed.box for placed in above])
    high = np.array([placed.box for placed in below])
    side_by_side = (low[:, None, 0] < high[:, 2] + gap) & (low[:, None, 2] + gap > high[:, 0])
    needed = np.where(side_by_side, high[:, 3] - low[:, None, 1] + gap, 0.0)
    for upper, lower in np.argwhere(needed > pitch):
        apart = grow(above[upper].section, gap) ^ below[lower].section.translate((0.0, -pitch))
        if not apart.is_empty():
            return float(needed.max())
    return pitch


def _line(text: str, row: list[Placed], middle: float, baseline: float) -> TextLine:
    glyphs = tuple(placed._replace(y=placed.y + middle + baseline) for placed in row)
    return TextLine(text, glyphs, middle, box_around([placed.box for placed in glyphs]))
