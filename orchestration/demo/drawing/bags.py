"""The drawing of a backpack.

Keep out: shoppers, which are rendered, and the assortment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from orchestration.demo.drawing.light import Puffed, Sloped
from orchestration.demo.drawing.outlines import band, ellipse, mirrored, moved, rounded_box, smooth
from orchestration.demo.drawing.paint import BLACK, SHINE, STEEL, Role

if TYPE_CHECKING:
    from orchestration.demo.drawing.outlines import Point
    from orchestration.demo.drawing.sheet import Sheet


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
