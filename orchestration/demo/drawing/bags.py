"""Drawings of bags: the cotton shopper and the backpack.

Soft bags, hanging or standing. Keep out: the assortment that uses them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from orchestration.demo.drawing.light import Flat, Puffed, Sloped
from orchestration.demo.drawing.outlines import band, ellipse, mirrored, moved, rounded_box, smooth
from orchestration.demo.drawing.paint import BLACK, SHADE, SHINE, STEEL, Role

if TYPE_CHECKING:
    from orchestration.demo.drawing.outlines import Point
    from orchestration.demo.drawing.paint import Paint
    from orchestration.demo.drawing.sheet import Part, Sheet


@dataclass(frozen=True, slots=True)
class Tote:
    """A cotton shopper, hanging; `two_tone` has handles and base in the trim colour."""

    two_tone: bool = False

    print_at: ClassVar[tuple[Point, float]] = ((500, 620), 200)
    detail_at: ClassVar[Point] = (390, 420)
    zoom: ClassVar[float] = 1.04
    turn: ClassVar[float] = 0

    def draw(self, sheet: Sheet) -> None:
        """Back handle, cloth, folds, front handle."""
        handles: Paint = Role.TRIM if self.two_tone else Role.BODY
        sheet.shadow(moved(rounded_box(252, 390, 752, 900, 20), 22, 18), blur=30, strength=0.34)
        self._handle(sheet, handles, back=True)
        sheet.lay(
            smooth((262, 384), (380, 374), (500, 370), (620, 374), (738, 384), (620, 404), (380, 404)),
            Role.BODY,
            Flat(70),
        )
        cloth = smooth(
            (256, 384), (256, 384), (380, 390), (500, 392), (620, 390), (744, 384), (744, 384), (752, 520), (750, 700),
            (756, 884), (748, 900), (640, 906), (500, 902), (360, 908), (252, 900), (244, 884), (250, 700), (248, 520),
        )  # fmt: skip
        front = sheet.lay(cloth, Role.BODY, Puffed(depth=52, strength=0.85))
        if self.two_tone:
            sheet.inlay([rounded_box(200, 776, 800, 960, 0)], Role.TRIM, front)
            sheet.seam([(247, 776), (753, 776)])
        self._folds(sheet, front)
        self._handle(sheet, handles, back=False)

    def _handle(self, sheet: Sheet, paint: Paint, *, back: bool) -> None:
        lift, width = (0, 34) if not back else (-18, 32)
        inset = 0 if not back else 12
        end = 452 if not back else 380
        loop = smooth(
            (372 + inset, end), (370 + inset, 330 + lift), (384 + inset, 215 + lift), (432, 128 + lift),
            (500, 104 + lift),
            (568, 128 + lift), (616 - inset, 215 + lift), (630 - inset, 330 + lift), (628 - inset, end), closed=False,
        )  # fmt: skip
        if not back:
            sheet.shadow(moved(band(loop, width), 7, 9), blur=8, strength=0.26)
        light = Puffed(depth=12, strength=0.8) if not back else Flat(92)
        sheet.lay(band(loop, width), paint, light)
        if not back:
            for x in (372, 628):
                box = [(x - 13, 404), (x + 13, 404), (x + 13, 448), (x - 13, 448), (x - 13, 404)]
                sheet.stitches(box, SHADE)
                sheet.stitches([box[0], box[2]], SHADE)

    def _folds(self, sheet: Sheet, cloth: Part) -> None:
        sheet.seam([(254, 412), (380, 417), (500, 419), (620, 417), (746, 412)], strength=0.3)
        sheet.crease(smooth((382, 470), (374, 560), (352, 650), closed=False), cloth, width=20, strength=0.17)
        sheet.crease(smooth((622, 470), (640, 590), (668, 690), closed=False), cloth, width=22, strength=0.17)
        sheet.crease(smooth((300, 850), (400, 812), (470, 820), closed=False), cloth, width=22, strength=0.14)
        sheet.crease(smooth((712, 868), (660, 800), (655, 740), closed=False), cloth, width=20, strength=0.15)


@dataclass(frozen=True, slots=True)
class Backpack:
    """A day backpack from the front."""

    print_at: ClassVar[tuple[Point, float]] = ((500, 420), 140)
    detail_at: ClassVar[Point] = (420, 640)
    zoom: ClassVar[float] = 1.02
    turn: ClassVar[float] = 0

    def draw(self, sheet: Sheet) -> None:
        """Straps behind, body, side pockets, front pocket, zips, grab handle."""
        sheet.shadow(ellipse((520, 895), (290, 38)), blur=24, strength=0.45)
        self._straps(sheet)
        body = smooth(
            (272, 880), (262, 700), (262, 480), (290, 300), (360, 196), (500, 164), (640, 196), (710, 300), (738, 480),
            (738, 700), (728, 880), (700, 898), (500, 904), (300, 898),
        )  # fmt: skip
        sheet.lay(body, Role.BODY, Puffed(depth=74, strength=1.05))
        self._handle(sheet)
        self._zip(
            sheet,
            [
                (296, 560),
                (300, 430),
                (330, 318),
                (390, 246),
                (500, 218),
                (610, 246),
                (670, 318),
                (700, 430),
                (704, 560),
            ],
        )
        pocket = smooth(
            (308, 862), (302, 720), (308, 600), (330, 572), (500, 564), (670, 572), (692, 600), (698, 720), (692, 862),
            (660, 880), (500, 886), (340, 880),
        )  # fmt: skip
        sheet.shadow(moved(pocket, 6, 10), blur=12, strength=0.34)
        sheet.lay(pocket, Role.BODY, Puffed(depth=44, strength=0.95))
        self._zip(sheet, [(330, 640), (400, 626), (500, 622), (600, 626), (670, 640)])
        self._patch(sheet)

    def _straps(self, sheet: Sheet) -> None:
        strap = smooth((330, 250), (262, 330), (226, 470), (232, 640), (262, 760), closed=False)
        for path in (strap, mirrored(strap)):
            sheet.lay(band(path, 46), Role.TRIM, Puffed(depth=18))

    def _handle(self, sheet: Sheet) -> None:
        grab = smooth((438, 184), (444, 126), (470, 104), (530, 104), (556, 126), (562, 184), closed=False)
        sheet.lay(band(grab, 24), Role.TRIM, Puffed(depth=10, strength=1.2))

    def _zip(self, sheet: Sheet, through: list[Point]) -> None:
        path = smooth(*through, closed=False)
        sheet.stroke(path, 13, Role.TRIM, strength=0.95)
        sheet.stroke(path, 6, BLACK, strength=0.85)
        sheet.stitches(path, STEEL, dash=6)
        sheet.stroke(moved(path, 0, -9), 2.5, SHINE, strength=0.18, soft=1)
        x, y = path[-1]
        sheet.lay(rounded_box(x - 6, y - 4, x + 6, y + 40, 5), STEEL, Sloped((x - 6, 0), (x + 6, 0), 180, 90))

    def _patch(self, sheet: Sheet) -> None:
        sheet.lay(rounded_box(450, 760, 550, 800, 6), Role.TRIM, Puffed(depth=5, strength=0.5))
        sheet.stitches([(456, 766), (544, 766), (544, 794), (456, 794), (456, 766)], SHINE)
