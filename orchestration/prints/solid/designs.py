"""The five designs as data: our own parametric definitions, after the measures of the products they replace.

It holds numbers and fonts. All measures are in mm. A change of any number, or of how numbers are read, is a new
version. Keep out: how a shape is made of them (`blueprint`, and for the reference engine its template).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from orchestration.lettering.fonts import BOLD, REGULAR, FontSpec
from orchestration.lettering.outlines import Scale
from orchestration.lettering.spacing import SpacingRule
from orchestration.prints.solid.sku import DesignName

OPENSCAD_EM: Final = 100 / 72
"""Ems per text size in OpenSCAD: `text(size=18)` draws letters on an em of 25 mm."""


_APART: Final = SpacingRule(least=0.6)
"""Where the font has them, but for neighbours that would touch."""


@dataclass(frozen=True, slots=True)
class Lettering:
    """How the text is drawn: size as OpenSCAD counts it, weight and stretch as the original parameters do.

    `capital` is the height of a capital in sizes: half of it is how far the baseline lies below a line's middle.
    `bold` is the weight of the fonts asked for what the design's own font lacks. `gaps` are those between neighbours at
    full size; None where letters are meant to run together, as handwriting does. `line_gap` is the least distance in mm
    between the letters of two lines, so that an accent is seen apart from what stands above it.
    """

    fonts: tuple[FontSpec, ...]
    size: float
    weight: float = 0.0
    widen_percent: float = 0.0
    spacing: float = 1.0
    line_spacing: float = 1.0
    capital: float = 0.75
    bold: bool = True
    gaps: SpacingRule | None = _APART
    line_gap: float = 1.2

    def rule(self, scale: Scale) -> SpacingRule:
        """Return the gaps of letters at another scale; the least gap stays, since the nozzle does."""
        share = scale.em / self.scale.em
        gaps = self.gaps or SpacingRule(0.0)
        mean = None if gaps.mean is None else gaps.mean * share
        return gaps._replace(mean=mean, deep=gaps.deep * share)

    @property
    def scale(self) -> Scale:
        """The em, the stretch across and the growth that weight stands for."""
        return Scale(self.size * OPENSCAD_EM, 1 + self.widen_percent / 100, self.size / 500 * self.weight)

    def bolder(self, growth: float) -> Lettering:
        """Return the lettering with every outline grown by `growth` mm more."""
        return replace(self, weight=self.weight + growth * 500 / self.size)

    @property
    def pitch(self) -> float:
        """The distance between two lines."""
        return self.size * self.line_spacing


SMALLEST_HOLE: Final = 3.0
"""In mm²: a printer closes a smaller hole to a scar."""


@dataclass(frozen=True, slots=True)
class Tier:
    """One storey of a tag: from the top of the one below up to `top`, the text grown by `margin`.

    `closing` is the radius by which gaps are closed: letters that are nearer than about twice that join. Holes below
    `smallest_hole` mm² are filled.
    """

    top: float
    margin: float
    closing: float
    smallest_hole: float = SMALLEST_HOLE


@dataclass(frozen=True, slots=True)
class Lug:
    """The slot for the ring at the left end: `length` along the line, `width` across it, `gap` to the text."""

    length: float
    width: float
    gap: float
    wall: float


@dataclass(frozen=True, slots=True)
class TagDesign:
    """Raised text on storeys that follow it, held together by a bar behind each line."""

    name: DesignName
    version: str
    lettering: Lettering
    plate: Tier
    collar: Tier | None
    text_top: float
    bar_width: float
    bar_shift: float
    lug: Lug | None


@dataclass(frozen=True, slots=True)
class PlateDesign:
    """A number plate with a raised frame and a ring at its right end; its text shrinks to fit."""

    name: DesignName
    version: str
    lettering: Lettering
    width: float
    height: float
    corner: float
    thickness: float
    relief: float
    edge: float
    frame: float
    padding: float
    hole: float
    ring_wall: float


@dataclass(frozen=True, slots=True)
class ClipDesign:
    """Joined letters on a bar with a channel for a cable, and a slot by which the cable enters from below."""

    name: DesignName
    version: str
    lettering: Lettering
    bar_width: float
    bar_top: float
    text_top: float
    lip: float
    closing: float
    corner: float
    overhang: float
    cables: tuple[float, ...]
    cable_height: float
    slot_share: float
    slot_top: float


Design = TagDesign | PlateDesign | ClipDesign

DUAL_COLOUR: Final = TagDesign(
    name=DesignName.DUAL_COLOUR,
    version="2",
    lettering=Lettering(
        fonts=(FontSpec("Comfortaa[wght].ttf", REGULAR), FontSpec("Comfortaa-Regular.ttf")),
        size=18,
        weight=15,
        spacing=0.985,
        line_spacing=1.12,
        bold=False,
    ),
    plate=Tier(top=3.1, margin=2.4, closing=1.5, smallest_hole=math.inf),
    collar=None,
    text_top=4.7,
    bar_width=17,
    bar_shift=0,
    lug=Lug(length=4, width=3.5, gap=-1, wall=2.4),
)

STYLE3: Final = TagDesign(
    name=DesignName.STYLE3,
    version="3",
    lettering=Lettering(
        fonts=(FontSpec("RobotoCondensed[wght].ttf", BOLD), FontSpec("RobotoCondensed-Bold.ttf")),
        size=18,
        weight=5,
        widen_percent=2,
        spacing=0.83,
        line_spacing=1.3,
        # The original takes 17 % of every letter's width, which leaves 1.6 mm between two l and makes a comb of the
        # feet of MILLIE. Here each pair is spaced by its outlines, and no two letters touch; a name becomes 2 to 11 %
        # longer (Oweny: 62.2 mm instead of 56.1).
        gaps=SpacingRule(least=0.5, mean=1.0, deep=3.0),
        line_gap=2.2,
    ),
    # The original stacks its storeys flush; a lip of a quarter of a millimetre hides the seam of the colour change
    # and leaves no two walls in one plane.
    plate=Tier(top=4, margin=0.5, closing=1.98),
    collar=Tier(top=7, margin=0.25, closing=1.98),
    text_top=9,
    bar_width=9,
    bar_shift=0.54,
    lug=None,
)

NEW3: Final = TagDesign(
    name=DesignName.NEW3,
    version="2",
    lettering=Lettering(
        fonts=(FontSpec("Pacifico-Regular.ttf"),),
        size=18,
        weight=3,
        widen_percent=3,
        spacing=1.0,
        line_spacing=1.5,
        gaps=None,
    ),
    plate=Tier(top=4, margin=3.5, closing=3.66, smallest_hole=math.inf),
    collar=None,
    text_top=6,
    bar_width=10,
    bar_shift=0,
    lug=Lug(length=4.4, width=6.4, gap=2, wall=3.5),
)

NUMBER_PLATE: Final = PlateDesign(
    name=DesignName.NUMBER_PLATE,
    version="2",
    lettering=Lettering(
        fonts=(FontSpec("BarlowSemiCondensed-Bold.ttf"),),
        size=61 * 60 / 520,
        spacing=1.08,
    ),
    width=60,
    height=60 * 111 / 520,
    corner=5 * 60 / 111,
    thickness=2,
    relief=1,
    edge=0.4,
    frame=1,
    padding=1.2,
    hole=8,
    ring_wall=2,
)

CABLE_CLIP: Final = ClipDesign(
    name=DesignName.CABLE_CLIP,
    version="3",
    # Anton stands in for Impact; its capitals are taller, so it is drawn smaller to make a clip of the same height.
    lettering=Lettering(fonts=(FontSpec("Anton-Regular.ttf"),), size=13.8, weight=3, spacing=1.03, capital=1.2),
    bar_width=13,
    bar_top=7,
    text_top=10,
    lip=0.25,
    closing=16 / 300 * 20,
    corner=2,
    overhang=1,
    cables=(3.5, 4.0),
    cable_height=3.4,
    slot_share=0.75,
    slot_top=2.5,
)

DESIGNS: Final[dict[DesignName, Design]] = {
    design.name: design for design in (DUAL_COLOUR, STYLE3, NEW3, NUMBER_PLATE, CABLE_CLIP)
}
