"""Drawings of pens, notebooks and umbrellas.

Designs with straight axes and flat faces. Keep out: the assortment that uses them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from orchestration.demo.drawing.light import Finish, Flat, Puffed, Sloped, Turned
from orchestration.demo.drawing.outlines import arc, band, ellipse, moved, rounded_box, smooth, turned
from orchestration.demo.drawing.paint import BAMBOO, BLACK, CREAM, DARK_STEEL, SHADE, SHINE, STEEL, WHITE, Role

if TYPE_CHECKING:
    from orchestration.demo.drawing.outlines import Outline, Point
    from orchestration.demo.drawing.paint import Paint
    from orchestration.demo.drawing.sheet import Sheet


class PenKind(Enum):
    """What a pen is made of."""

    METAL = "metal"
    PLASTIC = "plastic"
    BAMBOO = "bamboo"


@dataclass(frozen=True, slots=True)
class Pen:
    """A push-button ball pen, tip down; the view turns it."""

    kind: PenKind = PenKind.METAL

    print_at: ClassVar[tuple[Point, float]] = ((500, 590), 34)
    detail_at: ClassVar[Point] = (500, 250)
    turn: ClassVar[float] = 38
    zoom: ClassVar[float] = 1.12

    axis: ClassVar[float] = 500

    def draw(self, sheet: Sheet) -> None:
        """From the tip to the button, then the clip over it."""
        barrel: Paint = BAMBOO if self.kind is PenKind.BAMBOO else Role.BODY
        fittings: Paint = Role.TRIM if self.kind is PenKind.PLASTIC else STEEL
        finish = Finish.MATT if self.kind is PenKind.BAMBOO else Finish.GLOSS
        sheet.shadow(moved(rounded_box(474, 110, 526, 880, 26), 26, 6), blur=16, strength=0.34)
        self._rod(sheet, ((4, 900), (7, 930)), DARK_STEEL, Finish.METAL, flip=True)
        self._rod(sheet, ((24, 800), (19, 850), (11, 892), (6, 906)), fittings, Finish.METAL)
        self._rod(sheet, ((30, 480), (31, 620), (28, 760), (24, 802)), barrel, finish)
        self._rod(sheet, ((11, 84), (13, 92), (13, 150)), fittings, Finish.METAL)
        self._rod(sheet, ((27, 140), (30, 160), (31, 300), (30, 462)), Role.BODY, Finish.GLOSS)
        self._rod(sheet, ((31, 460), (32, 466), (32, 480), (31, 486)), fittings, Finish.METAL)
        self._clip(sheet, fittings)
        if self.kind is PenKind.PLASTIC:
            self._grip(sheet)

    def _rod(
        self, sheet: Sheet, profile: tuple[Point, ...], paint: Paint, finish: Finish, *, flip: bool = False
    ) -> None:
        if flip:
            profile = tuple((r, y) for (r, _), (_, y) in zip(reversed(profile), profile, strict=True))
        sheet.lay(turned(self.axis, profile, 0.1), paint, Turned(self.axis, profile, finish))

    def _clip(self, sheet: Sheet, paint: Paint) -> None:
        clip = rounded_box(512, 152, 532, 372, 9)
        sheet.shadow(moved(clip, 8, 4), blur=5, strength=0.5)
        sheet.lay(clip, paint, Sloped((508, 0), (534, 0), 196, 92))
        sheet.lay(rounded_box(496, 150, 533, 170, 7), paint, Sloped((496, 150), (533, 170), 180, 110))

    def _grip(self, sheet: Sheet) -> None:
        for y in range(690, 790, 18):
            sheet.stroke(arc((self.axis, y), (27, 4), 10, 170), 5, SHADE, strength=0.4, soft=0.8)


@dataclass(frozen=True, slots=True)
class Notebook:
    """A hard-cover notebook with an elastic band, a little from the side."""

    elastic: bool = True

    print_at: ClassVar[tuple[Point, float]] = ((455, 480), 190)
    detail_at: ClassVar[Point] = (620, 760)
    turn: ClassVar[float] = -7
    zoom: ClassVar[float] = 1.1

    def draw(self, sheet: Sheet) -> None:
        """Back cover, paper, front cover, band."""
        sheet.shadow(moved(rounded_box(262, 168, 742, 852, 24), 26, 26), blur=30, strength=0.42)
        sheet.lay(rounded_box(270, 172, 740, 856, 22), Role.BODY, Flat(84))
        self._paper(sheet)
        cover = rounded_box(246, 146, 718, 826, 20)
        sheet.shadow(moved(cover, 6, 6), blur=6, strength=0.45)
        front = sheet.lay(cover, Role.BODY, Sloped((246, 146), (718, 826), 150, 114))
        self._spine(sheet)
        sheet.shine([(330, 140), (470, 140), (250, 560), (246, 360)], blur=46, strength=0.16)
        sheet.stroke([(252, 151), (711, 151)], 2.5, SHINE, strength=0.35, soft=1)
        if self.elastic:
            sheet.shadow(moved(rounded_box(640, 146, 662, 826, 2), 7, 3), blur=5, strength=0.4)
            sheet.inlay([rounded_box(640, 140, 662, 832, 2)], Role.TRIM, front)
            sheet.stroke([(643, 148), (643, 824)], 2, SHINE, strength=0.25)
        ribbon = smooth((420, 850), (424, 880), (416, 908), (426, 930), closed=False)
        sheet.lay(band(ribbon, 15), Role.TRIM, Puffed(depth=8))

    def _paper(self, sheet: Sheet) -> None:
        sheet.lay(rounded_box(262, 162, 733, 846, 14), CREAM, Flat(126))
        for step in range(5):
            edge = 723 + step * 2.4
            sheet.stroke([(edge, 176), (edge, 836)], 0.9, SHADE, strength=0.22)
            sheet.stroke([(276, edge + 107), (722, edge + 107)], 0.9, SHADE, strength=0.22)

    def _spine(self, sheet: Sheet) -> None:
        sheet.stroke([(288, 150), (288, 822)], 7, SHADE, strength=0.32, soft=3)
        sheet.stroke([(295, 150), (295, 822)], 3, SHINE, strength=0.3, soft=1.5)


@dataclass(frozen=True, slots=True)
class Umbrella:
    """A stick umbrella, open, seen from the front; `two_tone` has every other panel in the trim colour."""

    two_tone: bool = False

    print_at: ClassVar[tuple[Point, float]] = ((500, 330), 130)
    detail_at: ClassVar[Point] = (380, 360)
    zoom: ClassVar[float] = 1.06
    turn: ClassVar[float] = 9

    apex: ClassVar[Point] = (500, 158)
    # Where the ribs end, from left to right.
    tips: ClassVar[tuple[Point, ...]] = ((92, 452), (205, 506), (388, 536), (612, 536), (795, 506), (908, 452))

    def draw(self, sheet: Sheet) -> None:
        """Shaft and handle behind, the dark inside, the panels, the ribs."""
        self._stick(sheet)
        inside = smooth(
            self.tips[0], (300, 420), (500, 430), (700, 420), self.tips[-1], (700, 520), (500, 545), (300, 520)
        )
        sheet.lay(inside, Role.BODY, Flat(54))
        for index in range(len(self.tips) - 1):
            self._panel(sheet, index)
        for tip in self.tips:
            sheet.stroke([tip, (tip[0] + (tip[0] - 500) * 0.012, tip[1] + 9)], 7, DARK_STEEL)
        sheet.shine(
            smooth((250, 300), (340, 225), (430, 195), (330, 290), (255, 400), (215, 430)), blur=22, strength=0.3
        )
        sheet.lay(smooth((491, 160), (494, 112), (500, 104), (506, 112), (509, 160)), BLACK, Puffed(depth=6))

    def _stick(self, sheet: Sheet) -> None:
        shaft = ((6.5, 480), (6.5, 790))
        sheet.lay(turned(500, shaft), STEEL, Turned(500, shaft, Finish.METAL))
        hook = smooth((500, 770), (500, 842), (492, 882), (462, 902), (430, 886), (420, 850), closed=False)
        sheet.lay(band(hook, 27), BAMBOO, Puffed(depth=11, strength=1.3))
        sheet.lay(rounded_box(485, 762, 515, 780, 4), STEEL, Sloped((485, 0), (515, 0), 190, 90))

    def _panel(self, sheet: Sheet, index: int) -> None:
        (x0, y0), (x1, y1) = self.tips[index], self.tips[index + 1]
        hem = smooth((x0, y0), ((x0 + x1) / 2, (y0 + y1) / 2 - 24), (x1, y1), closed=False)
        outline = [*self._rib(x0, y0), *hem, *reversed(self._rib(x1, y1))]
        paint = Role.TRIM if self.two_tone and index % 2 else Role.BODY
        turn_away = (152, 146, 130, 110, 88)[index]
        middle = ((x0 + x1) / 2, (y0 + y1) / 2)
        sheet.lay(outline, paint, Sloped(self.apex, middle, turn_away + 14, turn_away - 20))
        if index:
            sheet.stroke(self._rib(x0, y0), 4, SHADE, strength=0.3, soft=1.6)
            sheet.stroke(moved(self._rib(x0, y0), 4, 2), 3, SHINE, strength=0.28, soft=1.5)
        sheet.stroke(moved(hem, 0, -3), 5, SHADE, strength=0.2, soft=2)

    def _rib(self, x: float, y: float) -> Outline:
        ax, ay = self.apex
        bow = ((ax * 0.42 + x * 0.58) + (x - ax) * 0.14, ay + (y - ay) * 0.36)
        return smooth((ax, ay), (ax + (x - ax) * 0.38, ay + (y - ay) * 0.11), bow, (x, y), closed=False)


@dataclass(frozen=True, slots=True)
class FoldedUmbrella:
    """A pocket umbrella in its sleeve."""

    print_at: ClassVar[tuple[Point, float]] = ((500, 520), 62)
    detail_at: ClassVar[Point] = (500, 250)
    turn: ClassVar[float] = 32
    zoom: ClassVar[float] = 1.1

    def draw(self, sheet: Sheet) -> None:
        """Sleeve with its folds, strap, grip."""
        sleeve = ((50, 232), (62, 300), (64, 520), (58, 760), (34, 836))
        sheet.shadow(moved(turned(500, sleeve), 30, 12), blur=24, strength=0.36)
        sheet.lay(turned(500, ((9, 830), (9, 862))), BLACK, Puffed(depth=6))
        cloth = sheet.lay(turned(500, sleeve, 0.14), Role.BODY, Turned(500, sleeve, Finish.MATT))
        for x, lean in ((462, 8), (486, 3), (516, -5), (541, -10)):
            sheet.crease(
                smooth((x, 250), (x - 4, 420), (x + lean, 640), (x + lean * 2, 806), closed=False),
                cloth,
                width=9,
                strength=0.24,
            )
        strap = smooth((438, 384), (500, 402), (563, 384), closed=False)
        sheet.shadow(moved(band(strap, 34), 3, 7), blur=6, strength=0.4)
        sheet.lay(band(strap, 34), Role.TRIM, Sloped((438, 0), (563, 0), 150, 92))
        sheet.lay(ellipse((540, 392), (9, 9)), STEEL, Puffed(depth=5, strength=1.5))
        grip = ((34, 92), (44, 100), (46, 160), (40, 226), (46, 240))
        sheet.lay(turned(500, grip, 0.14), BLACK, Turned(500, grip, Finish.SATIN))
        sheet.lay(ellipse((500, 93), (33, 5)), BLACK, Flat(160))
        loop = smooth((474, 100), (430, 66), (420, 26), (452, 14), (492, 52), (500, 92), closed=False)
        sheet.lay(band(loop, 8), WHITE, Puffed(depth=4))
