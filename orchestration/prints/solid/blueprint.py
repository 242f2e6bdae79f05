"""From a design and its laid-out text to the plan that every engine follows.

Each design is a stack of storeys. The floor plan of a storey is: the text grown by its margin, together with its bars,
with gaps closed by its closing radius, its patches added, its holes cut out. The module says where bars, slots, frames
and the cable channel go, in mm. Keep out: 2D geometry of the text (`sections`), and triangles (`engines`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.lettering.layout import Box
from orchestration.lettering.offsets import segments
from orchestration.lettering.outlines import Scale
from orchestration.prints.solid.designs import (
    SMALLEST_HOLE,
    ClipDesign,
    Design,
    Lettering,
    PlateDesign,
    TagDesign,
    Tier,
)
from orchestration.prints.solid.layout import TextBlock, lay_out
from orchestration.prints.solid.refusal import Check, PrintRefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.lettering.fonts import FontLibrary
    from orchestration.lettering.offsets import Ring
    from orchestration.lettering.outlines import Outlines

_NO_LENGTH: Final = 1e-9
_FIT_STEP: Final = 1 / 64
_SMALLEST_FIT: Final = 0.4
"""A number plate's text is never drawn smaller than this share of its size."""
_LUG_OVERLAP: Final = 4.0
"""How far, in mm, the bar around the slot reaches under the text."""


@cache
def _quarter(facets: int) -> Ring:
    """Return a quarter of a circle of radius 1 that has `facets` segments, from the right to the top."""
    angles = np.linspace(0.0, math.pi / 2, facets // 4 + 1)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


class Bar(NamedTuple):
    """A rectangle with round corners, in mm; a circle or a slot when the radius is half its side."""

    box: Box
    radius: float

    def ring(self, grown: float = 0.0) -> Ring:
        """Return its outline, counter-clockwise, grown by `grown` mm."""
        radius = self.radius + grown
        left, bottom, right, top = self.box
        arc = _quarter(segments(radius)) * radius
        turns = arc, arc[:, ::-1] * (-1, 1), -arc, arc[:, ::-1] * (1, -1)
        inset = self.radius
        right, top, left, bottom = right - inset, top - inset, left + inset, bottom + inset
        corners = (right, top), (left, top), (left, bottom), (right, bottom)
        ring = np.concatenate([turn + corner for turn, corner in zip(turns, corners, strict=True)])
        step = np.abs(ring - ring[np.arange(-1, len(ring) - 1)])
        distinct: Ring = ring[step[:, 0] + step[:, 1] > _NO_LENGTH]
        return distinct

    @classmethod
    def around(cls, x: float, y: float, length: float, width: float, radius: float | None = None) -> Bar:
        """Return a bar centred on a point; fully round ends unless a radius is given."""
        largest = min(length, width) / 2
        box = Box(x - length / 2, y - width / 2, x + length / 2, y + width / 2)
        return cls(box, largest if radius is None else min(radius, largest))


@dataclass(frozen=True, slots=True)
class StoreyPlan:
    """One storey: its heights, what of the text it shows (None: nothing), and the shapes around it."""

    bottom: float
    top: float
    margin: float | None
    closing: float = 0.0
    bars: tuple[Bar, ...] = ()
    frames: tuple[tuple[Bar, Bar], ...] = ()
    """Pairs of an outer and an inner edge, apart from everything else."""
    holes: tuple[Bar, ...] = ()
    smallest_hole: float = SMALLEST_HOLE
    patches: tuple[Ring, ...] = ()
    """Bridges and filled slivers, found by `sections`."""


class Channel(NamedTuple):
    """A round channel along x at `height`, and the slot below it through which the cable enters."""

    diameter: float
    height: float
    slot_width: float
    slot_top: float


@dataclass(frozen=True, slots=True)
class Blueprint:
    """Everything an engine needs: the text, the storeys from the bed up, and where the second colour begins."""

    block: TextBlock
    storeys: tuple[StoreyPlan, ...]
    channel: Channel | None = None

    @property
    def colour_change(self) -> float:
        """The height in mm at which the text's colour begins."""
        return self.storeys[-1].bottom

    def with_storeys(self, storeys: Sequence[StoreyPlan]) -> Blueprint:
        """Return the blueprint with other storeys."""
        return replace(self, storeys=tuple(storeys))


class Variant(NamedTuple):
    """One file of a product: the end of its name, and the channel for its cable if it is a clip."""

    suffix: str
    channel: Channel | None = None

    def title(self, text: str) -> str:
        """Return what people call the file of a product with this text."""
        return text if self.channel is None else f"{text}, {self.channel.diameter:g} mm cable"


def variants(design: Design) -> tuple[Variant, ...]:
    """Return the files that a design makes: one, or one for each cable, `_35mm` standing for 3.5 mm."""
    if not isinstance(design, ClipDesign):
        return (Variant(""),)
    return tuple(
        Variant(
            f"_{round(cable * 10)}mm",
            Channel(cable, design.cable_height, design.slot_share * cable, design.slot_top),
        )
        for cable in design.cables
    )


def plan(design: Design, lines: Sequence[str], library: FontLibrary, outlines: Outlines) -> Blueprint:
    """Lay the text out and place everything around it; the channel of a variant comes later.

    Raises:
        PrintRefusedError: a character cannot be drawn, or the text does not fit; the message says which.
        ConfigurationError: none of the design's fonts is installed.

    """
    match design:
        case TagDesign():
            return _tag(design, lay_out(lines, design.lettering, library, outlines))
        case PlateDesign():
            return _plate(design, _fitted(design, lines, library, outlines))
        case ClipDesign():
            return _clip(design, lay_out(lines, design.lettering, library, outlines))


def _tag(design: TagDesign, block: TextBlock) -> Blueprint:
    bars = [
        _line_bar(design, line.box.left - design.plate.margin, line.box.right + design.plate.margin, line.middle)
        for line in block.lines
    ]
    if len(block.lines) > 1:
        bars.append(_spine(design, block))
    holes: tuple[Bar, ...] = ()
    if design.lug is not None:
        lug, slot = _lug(design, block)
        bars.append(lug)
        holes = (slot,)
    storeys = [replace(_storey(design.plate, 0.0), bars=tuple(bars), holes=holes)]
    if design.collar is not None:
        storeys.append(_storey(design.collar, design.plate.top))
    storeys.append(StoreyPlan(storeys[-1].top, design.text_top, 0.0))
    return Blueprint(block, tuple(storeys))


def _storey(tier: Tier, bottom: float) -> StoreyPlan:
    return StoreyPlan(bottom, tier.top, tier.margin, tier.closing, smallest_hole=tier.smallest_hole)


def _line_bar(design: TagDesign, left: float, right: float, middle: float) -> Bar:
    y = middle + design.bar_shift
    return Bar.around((left + right) / 2, y, right - left, design.bar_width)


def _spine(design: TagDesign, block: TextBlock) -> Bar:
    """Return the bar that holds the lines together: as wide as all of them, from the first line to the last."""
    left = max(line.box.left for line in block.lines)
    right = max(left + design.bar_width, min(line.box.right for line in block.lines))
    top, bottom = block.lines[0].middle, block.lines[-1].middle
    return Bar.around((left + right) / 2, (top + bottom) / 2 + design.bar_shift, right - left, top - bottom, 0.0)


def _lug(design: TagDesign, block: TextBlock) -> tuple[Bar, Bar]:
    """Return the bar around the slot, which spans all lines, and the slot."""
    lug = design.lug
    assert lug is not None  # noqa: S101 - the caller asked
    first = min(line.box.left for line in block.lines)
    right = first - design.plate.margin - lug.gap
    slot = Bar.around(right - lug.length / 2, 0.0, lug.length, lug.width)
    span = block.lines[0].middle - block.lines[-1].middle
    height = max(design.bar_width, lug.width + 2 * lug.wall) + span
    left = slot.box.left - lug.wall
    width = first + _LUG_OVERLAP - left
    return Bar.around(left + width / 2, 0.0, width, height, design.bar_width / 2), slot


def _fitted(design: PlateDesign, lines: Sequence[str], library: FontLibrary, outlines: Outlines) -> TextBlock:
    """Lay the text out as large as the frame allows, at most at the design's size."""
    room_x = design.width + 2 * design.frame - 2 * (design.edge + design.frame + design.padding)
    room_y = design.height + 2 * design.frame - 2 * (design.edge + design.frame) - design.padding
    block = lay_out(lines, design.lettering, library, outlines)
    share = min(1.0, room_x / (block.box.right - block.box.left), room_y / (block.box.top - block.box.bottom))
    if share == 1.0:
        return block
    share = math.floor(share / _FIT_STEP) * _FIT_STEP
    if share < _SMALLEST_FIT:
        raise PrintRefusedError(
            Check.BED,
            f"the text is {block.box.right - block.box.left:.0f} mm wide, the plate takes {room_x:.0f} mm",
            remedy="shorten the text",
        )
    return lay_out(lines, design.lettering, library, outlines, scale=_scaled(design.lettering, share))


def _scaled(lettering: Lettering, share: float) -> Scale:
    full = lettering.scale
    return Scale(full.em * share, full.stretch, full.growth * share)


def _plate(design: PlateDesign, block: TextBlock) -> Blueprint:
    centred = _centred(block)
    width, height = design.width + 2 * design.frame, design.height + 2 * design.frame
    plate = Bar.around(0.0, 0.0, width, height, design.corner)
    ring_radius = design.hole / 2 + design.ring_wall
    # The ring's centre is set so that the whole product is as long as the original's, 74.4 mm.
    ring_x = width / 2 + ring_radius + design.edge
    ring = Bar.around(ring_x, 0.0, 2 * ring_radius, 2 * ring_radius)
    neck = Bar.around((width / 2 + ring_x) / 2 - 1, 0.0, ring_x - width / 2 + 2, 2 * ring_radius, 0.0)
    hole = Bar.around(ring_x, 0.0, design.hole, design.hole)
    frame = tuple(
        Bar.around(0.0, 0.0, width - 2 * inset, height - 2 * inset, design.corner - inset)
        for inset in (design.edge, design.edge + design.frame)
    )
    base = StoreyPlan(0.0, design.thickness, None, bars=(plate, ring, neck), holes=(hole,))
    relief = StoreyPlan(design.thickness, design.thickness + design.relief, 0.0, frames=((frame[0], frame[1]),))
    return Blueprint(centred, (base, relief))


def _centred(block: TextBlock) -> TextBlock:
    x = -(block.box.left + block.box.right) / 2
    y = -(block.box.bottom + block.box.top) / 2
    lines = tuple(
        line._replace(
            glyphs=tuple(placed._replace(x=placed.x + x, y=placed.y + y) for placed in line.glyphs),
            middle=line.middle + y,
            box=line.box.moved(x, y),
        )
        for line in block.lines
    )
    return block._replace(lines=lines, box=block.box.moved(x, y))


def _clip(design: ClipDesign, block: TextBlock) -> Blueprint:
    length = block.box.right - block.box.left + 2 * design.overhang
    middle = (block.box.left + block.box.right) / 2
    bar = Bar.around(middle, 0.0, length, design.bar_width, design.corner)
    base = StoreyPlan(0.0, design.bar_top, design.lip, design.closing, (bar,))
    letters = StoreyPlan(design.bar_top, design.text_top, 0.0)
    return Blueprint(block, (base, letters))
