"""Drawings of mugs and bottles.

Designs that stand on a table and are turned solids. Keep out: the assortment that uses them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from orchestration.demo.drawing.light import Finish, Flat, Puffed, Sloped, Turned
from orchestration.demo.drawing.outlines import arc, band, ellipse, moved, smooth, turned
from orchestration.demo.drawing.paint import BAMBOO, BLACK, DARK_STEEL, SHADE, STEEL, WHITE, Role

if TYPE_CHECKING:
    from orchestration.demo.drawing.outlines import Point
    from orchestration.demo.drawing.paint import Paint
    from orchestration.demo.drawing.sheet import Sheet

# The camera looks down a little: height to width of a level circle.
TILT = 0.17


def _solid(sheet: Sheet, axis: float, profile: tuple[Point, ...], paint: Paint, finish: Finish) -> None:
    sheet.lay(turned(axis, profile, TILT), paint, Turned(axis, profile, finish))


def _floor_shadow(sheet: Sheet, axis: float, bottom: float, radius: float) -> None:
    sheet.shadow(ellipse((axis + 34, bottom + 10), (radius * 1.16, radius * 0.24)), blur=24, strength=0.4)
    sheet.shadow(ellipse((axis + 4, bottom + 12), (radius * 0.98, radius * TILT)), blur=8, strength=0.5)


class MugKind(Enum):
    """How a mug is made."""

    CERAMIC = "ceramic"
    TWO_TONE = "two-tone"
    ENAMEL = "enamel"


@dataclass(frozen=True, slots=True)
class Mug:
    """A mug with its handle to the right."""

    kind: MugKind = MugKind.CERAMIC

    print_at: ClassVar[tuple[Point, float]] = ((420, 545), 150)
    detail_at: ClassVar[Point] = (500, 440)
    zoom: ClassVar[float] = 1.22
    turn: ClassVar[float] = 0

    axis: ClassVar[float] = 440
    top: ClassVar[float] = 330

    def draw(self, sheet: Sheet) -> None:
        """Handle, body, rim, and the inside."""
        wide, narrow, bottom = (205, 196, 730) if self.kind is MugKind.ENAMEL else (200, 178, 735)
        side = smooth(
            (wide, self.top), (wide - 1, 500), (narrow + 4, bottom - 70), (narrow, bottom - 26), (narrow - 16, bottom),
            closed=False,
        )  # fmt: skip
        profile = tuple(side)
        finish = Finish.GLOSS if self.kind is not MugKind.ENAMEL else Finish.SATIN
        _floor_shadow(sheet, self.axis, bottom, narrow)
        self._handle(sheet, wide)
        _solid(sheet, self.axis, profile, Role.BODY, finish)
        self._rim(sheet, wide)

    def _handle(self, sheet: Sheet, wide: float) -> None:
        side = self.axis + wide
        path = smooth(
            (side - 16, 415), (side + 70, 408), (side + 122, 470), (side + 112, 560), (side + 50, 625),
            (side - 18, 640), closed=False,
        )  # fmt: skip
        width = 30 if self.kind is MugKind.ENAMEL else 46
        sheet.shadow(moved(band(path, width), 14, 20), blur=14, strength=0.22)
        sheet.lay(band(path, width), Role.BODY, Puffed(depth=17, strength=1.25))

    def _rim(self, sheet: Sheet, wide: float) -> None:
        inside: Paint = Role.TRIM if self.kind is MugKind.TWO_TONE else WHITE
        lip: Paint = BLACK if self.kind is MugKind.ENAMEL else Role.BODY
        centre = (self.axis, self.top)
        sheet.lay(
            ellipse(centre, (wide, wide * TILT)), lip, Sloped((self.axis - wide, 0), (self.axis + wide, 0), 176, 120)
        )
        inner = (wide - 11, wide * TILT - 5)
        bowl = sheet.lay(
            ellipse((self.axis, self.top + 2), inner),
            inside,
            Sloped((self.axis - wide, 0), (self.axis + wide, 0), 74, 132),
        )
        sheet.glaze([ellipse((self.axis + 10, self.top + 26), inner)], SHADE, bowl, strength=0.16)


class BottleKind(Enum):
    """How a bottle is closed, and what it is made of."""

    STEEL = "steel"
    BAMBOO_LID = "bamboo lid"
    SPORT = "sport"
    TUMBLER = "tumbler"


@dataclass(frozen=True, slots=True)
class Bottle:
    """A drinking bottle or a travel tumbler, upright."""

    kind: BottleKind = BottleKind.STEEL

    print_at: ClassVar[tuple[Point, float]] = ((490, 610), 120)
    detail_at: ClassVar[Point] = (500, 330)
    zoom: ClassVar[float] = 1.06
    turn: ClassVar[float] = 0

    axis: ClassVar[float] = 500

    def draw(self, sheet: Sheet) -> None:
        """Body from the base up, then the closure."""
        match self.kind:
            case BottleKind.STEEL:
                self._steel(sheet)
            case BottleKind.BAMBOO_LID:
                self._bamboo(sheet)
            case BottleKind.SPORT:
                self._sport(sheet)
            case BottleKind.TUMBLER:
                self._tumbler(sheet)

    def _body(self, sheet: Sheet, radius: float, neck: float, shoulder: float, finish: Finish) -> None:
        curve = smooth(
            (neck, shoulder - 70), (neck + 6, shoulder - 52), (radius - 22, shoulder - 4), (radius, shoulder + 55),
            (radius, shoulder + 140), (radius, 700), (radius, 790), (radius - 4, 838), (radius - 14, 850), closed=False,
        )  # fmt: skip
        _floor_shadow(sheet, self.axis, 850, radius)
        _solid(sheet, self.axis, tuple(curve), Role.BODY, finish)

    def _steel(self, sheet: Sheet) -> None:
        self._body(sheet, 122, 66, 335, Finish.SATIN)
        _solid(sheet, self.axis, ((64, 250), (66, 268)), STEEL, Finish.METAL)
        _solid(sheet, self.axis, ((72, 168), (74, 176), (74, 244), (71, 250)), STEEL, Finish.METAL)
        sheet.lay(ellipse((self.axis, 168), (72, 72 * TILT)), STEEL, Sloped((430, 0), (570, 0), 190, 120))
        loop = smooth((452, 166), (452, 118), (478, 96), (522, 96), (548, 118), (548, 166), closed=False)
        sheet.lay(band(loop, 17), STEEL, Puffed(depth=7, strength=1.4))

    def _bamboo(self, sheet: Sheet) -> None:
        self._body(sheet, 112, 74, 300, Finish.MATT)
        _solid(sheet, self.axis, ((77, 214), (77, 234)), STEEL, Finish.METAL)
        _solid(sheet, self.axis, ((80, 132), (82, 140), (82, 212)), BAMBOO, Finish.MATT)
        sheet.lay(ellipse((self.axis, 132), (80, 80 * TILT)), BAMBOO, Sloped((420, 0), (580, 0), 168, 128))
        for y in (158, 176, 193):
            sheet.stroke(arc((self.axis, y), (81, 81 * TILT), 8, 172), 1.6, SHADE, strength=0.16)

    def _sport(self, sheet: Sheet) -> None:
        self._body(sheet, 116, 84, 330, Finish.GLOSS)
        waist = arc((self.axis, 560), (116, 116 * TILT), 0, 180)
        for dy in (0, 26, 52):
            sheet.stroke(moved(waist, 0, dy), 6, SHADE, strength=0.2, soft=2)
            sheet.stroke(moved(waist, 0, dy + 6), 3, WHITE, strength=0.25, soft=1.5)
        _solid(sheet, self.axis, ((60, 190), (86, 212), (90, 264)), BLACK, Finish.SATIN)
        _solid(sheet, self.axis, ((27, 118), (31, 126), (27, 150), (30, 192)), Role.TRIM, Finish.GLOSS)
        sheet.lay(ellipse((self.axis, 118), (27, 6)), Role.TRIM, Flat(150))

    def _tumbler(self, sheet: Sheet) -> None:
        profile = ((150, 262), (146, 420), (124, 760), (116, 842))
        _floor_shadow(sheet, self.axis, 842, 118)
        _solid(sheet, self.axis, profile, Role.BODY, Finish.SATIN)
        _solid(sheet, self.axis, ((119, 818), (116, 844)), STEEL, Finish.METAL)
        _solid(sheet, self.axis, ((152, 262), (152, 286)), STEEL, Finish.METAL)
        _solid(sheet, self.axis, ((140, 214), (155, 226), (156, 258)), BLACK, Finish.SATIN)
        sheet.lay(ellipse((self.axis, 214), (140, 140 * TILT)), BLACK, Sloped((360, 0), (640, 0), 156, 118))
        sheet.lay(ellipse((self.axis + 52, 220), (26, 7)), DARK_STEEL, Flat(50))
