"""Drawings of socks and headwear.

Small knitted and sewn things for feet and heads. Keep out: the assortment that uses them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from orchestration.demo.drawing.light import Flat, Puffed, Sloped
from orchestration.demo.drawing.outlines import band, ellipse, moved, smooth
from orchestration.demo.drawing.paint import SHADE, SHINE, STEEL, Role

if TYPE_CHECKING:
    from orchestration.demo.drawing.outlines import Outline, Point
    from orchestration.demo.drawing.sheet import Part, Sheet


# Degrees; successive turns by it spread points evenly over a disc.
GOLDEN_ANGLE = 137.508


class Pattern(Enum):
    """What is knitted into a sock."""

    PLAIN = "plain"
    STRIPES = "stripes"
    DOTS = "dots"
    ARGYLE = "argyle"
    SPORT = "sport"


@dataclass(frozen=True, slots=True)
class Socks:
    """A pair of socks, one behind the other, toes to the left."""

    pattern: Pattern = Pattern.PLAIN
    ankle: bool = False

    print_at: ClassVar[tuple[Point, float]] = ((470, 410), 90)
    detail_at: ClassVar[Point] = (480, 330)
    zoom: ClassVar[float] = 1.04
    turn: ClassVar[float] = 0

    def draw(self, sheet: Sheet) -> None:
        """The far sock, then the near one."""
        shift = 150.0 if self.ankle else 0.0
        self._sock(sheet, 132, -52 - shift)
        self._sock(sheet, -28, 10 - shift)

    def _sock(self, sheet: Sheet, dx: float, dy: float) -> None:
        top = 430 if self.ankle else 132
        outline = moved(smooth(*_leg(top), *_FOOT), dx, dy)
        opening = smooth((424, top + 4), (512, top - 12), (600, top + 4), (512, top + 22))
        sheet.shadow(moved(outline, 20, 20), blur=22, strength=0.36)
        sheet.lay(moved(opening, dx, dy), Role.BODY, Flat(66))
        sock = sheet.lay(outline, Role.BODY, Puffed(depth=58, strength=1.15))
        self._knit(sheet, sock, top, (dx, dy))
        sheet.inlay([moved(patch, dx, dy) for patch in (smooth(*_HEEL), smooth(*_TOE))], Role.TRIM, sock)
        self._cuff(sheet, sock, top, (dx, dy))
        for fold in _ANKLE_FOLDS:
            sheet.crease(moved(smooth(*fold, closed=False), dx, dy), sock, width=17, strength=0.17)

    def _cuff(self, sheet: Sheet, sock: Part, top: float, at: Point) -> None:
        upper, lower = top - 20, top + (46 if self.ankle else 92)
        columns = [[(x, upper), (x + 3.6, upper), (x + 3.6, lower), (x, lower)] for x in range(424, 612, 10)]
        box = moved([(400, upper), (640, upper), (640, lower), (400, lower)], *at)
        cuff = sheet.inlay([box], Role.BODY if self.pattern is Pattern.STRIPES else Role.TRIM, sock)
        sheet.glaze([moved(column, *at) for column in columns], SHADE, cuff, strength=0.24)
        edge = smooth((424, lower), (512, lower + 8), (604, lower), closed=False)
        sheet.stroke(moved(edge, *at), 3, SHADE, strength=0.4, soft=0.6, onto=sock)

    def _knit(self, sheet: Sheet, sock: Part, top: float, at: Point) -> None:
        motifs = self._motifs(top)
        if motifs:
            paint = Role.PRINT if self.pattern is Pattern.ARGYLE else Role.TRIM
            sheet.inlay([moved(motif, *at) for motif in motifs], paint, sock)
        if self.pattern is Pattern.ARGYLE:
            sheet.inlay([moved(motif, *at) for motif in _diamonds(top, half=22)], Role.TRIM, sock)

    def _motifs(self, top: float) -> list[Outline]:
        match self.pattern:
            case Pattern.STRIPES:
                return [*(_across(y, 30) for y in range(round(top) + 108, 590, 62)), *_FOOT_STRIPES]
            case Pattern.DOTS:
                return [ellipse(dot, (15, 15)) for dot in _DOTS if dot[1] > top]
            case Pattern.ARGYLE:
                return _diamonds(top, half=46)
            case Pattern.SPORT:
                return [_across(top + 128, 22), _across(top + 172, 22)]
            case Pattern.PLAIN:
                return []


_FOOT: tuple[Point, ...] = (
    (596, 470), (602, 560), (632, 628), (646, 700), (622, 766), (560, 800), (470, 812), (380, 846), (290, 880),
    (214, 880),
    (184, 836), (206, 782), (280, 734), (362, 684), (420, 610), (436, 520),
)  # fmt: skip
_HEEL: tuple[Point, ...] = ((700, 600), (590, 640), (562, 720), (600, 790), (700, 810))
_TOE: tuple[Point, ...] = ((296, 640), (312, 760), (290, 900), (120, 920), (120, 680))
_ANKLE_FOLDS: tuple[tuple[Point, ...], ...] = (
    ((440, 600), (500, 640), (556, 652)), ((424, 640), (470, 690), (530, 712)),
)  # fmt: skip
_FOOT_STRIPES: tuple[Outline, ...] = (
    [(338, 660), (368, 645), (392, 880), (362, 880)],
    [(392, 600), (420, 580), (462, 860), (432, 860)],
    [(424, 570), (440, 545), (534, 850), (502, 850)],
)
_DOTS: tuple[Point, ...] = tuple(
    (440 + 52 * column + 26 * (row % 2), 250 + 46 * row) for row in range(9) for column in range(4)
) + tuple((330 + 50 * column - 22 * row, 726 + 40 * row) for row in range(3) for column in range(5))


def _leg(top: float) -> tuple[Point, ...]:
    middle = top + (470 - top) / 2
    return (
        (432, middle),
        (424, top + 6),
        (424, top + 6),
        (512, top + 20),
        (602, top + 6),
        (602, top + 6),
        (600, middle),
    )


def _across(y: float, height: float) -> Outline:
    upper = smooth((380, y), (512, y + 10), (680, y), closed=False)
    return [*upper, *reversed(moved(upper, 0, height))]


def _diamonds(top: float, half: float) -> list[Outline]:
    centres = [(460 + 100 * column, y) for y in range(round(top) + 160, 640, 112) for column in range(2)]
    return [[(x, y - half * 1.2), (x + half, y), (x, y + half * 1.2), (x - half, y)] for x, y in centres]


@dataclass(frozen=True, slots=True)
class Beanie:
    """A knitted hat with a turned-up cuff."""

    pompom: bool = False

    print_at: ClassVar[tuple[Point, float]] = ((500, 690), 90)
    detail_at: ClassVar[Point] = (430, 600)
    zoom: ClassVar[float] = 1.06
    turn: ClassVar[float] = 0

    def draw(self, sheet: Sheet) -> None:
        """Pompom, crown, cuff, knit."""
        sheet.shadow(ellipse((516, 800), (290, 40)), blur=26, strength=0.42)
        if self.pompom:
            self._ball(sheet)
        crown = smooth(
            (222, 690),
            (226, 540),
            (280, 380),
            (380, 270),
            (500, 238),
            (620, 270),
            (720, 380),
            (774, 540),
            (778, 690),
            (500, 730),
        )
        hat = sheet.lay(crown, Role.BODY, Puffed(depth=100, strength=1.15))
        ribs = [_crown_rib(share) for share in (-0.92, -0.72, -0.5, -0.26, 0, 0.26, 0.5, 0.72, 0.92)]
        sheet.glaze([band(rib, 9) for rib in ribs], SHADE, hat, strength=0.2)
        sheet.glaze([band(moved(rib, 9, 0), 6) for rib in ribs], SHINE, hat, strength=0.14)
        self._cuff(sheet)

    def _ball(self, sheet: Sheet) -> None:
        sheet.lay(ellipse((500, 200), (86, 82)), Role.TRIM, Puffed(depth=46, strength=1.1))
        for i in range(46):
            root = _polar((500, 200), 80 * (i / 46) ** 0.5, i * GOLDEN_ANGLE)
            tuft = [root, _polar(root, 13, i * GOLDEN_ANGLE * 1.7)]
            sheet.stroke(tuft, 4, SHADE if i % 2 else SHINE, strength=0.2, soft=1)

    def _cuff(self, sheet: Sheet) -> None:
        outline = smooth(
            (204, 620), (204, 620), (350, 652), (500, 660), (650, 652), (796, 620), (796, 620), (800, 700), (790, 776),
            (790, 776), (650, 806), (500, 814), (350, 806), (210, 776), (210, 776), (200, 700),
        )  # fmt: skip
        sheet.shadow(moved(outline, 0, -8), blur=10, strength=0.32)
        cuff = sheet.lay(outline, Role.BODY, Puffed(depth=56, strength=1.15))
        grooves = [[(x, 600), (x + 6, 600), (x + 6, 830), (x, 830)] for x in range(206, 800, 17)]
        sheet.glaze(grooves, SHADE, cuff, strength=0.24)


def _crown_rib(share: float) -> Outline:
    return smooth(
        (500 + 40 * share, 246),
        (500 + 210 * share, 390),
        (500 + 274 * share, 560),
        (500 + 278 * share, 700),
        closed=False,
    )


def _polar(centre: Point, radius: float, degrees: float) -> Point:
    angle = math.radians(degrees)
    return centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle)


@dataclass(frozen=True, slots=True)
class Cap:
    """A baseball cap, peak to the left; `two_tone` has peak and button in the trim colour."""

    two_tone: bool = False

    print_at: ClassVar[tuple[Point, float]] = ((400, 450), 90)
    detail_at: ClassVar[Point] = (440, 520)
    zoom: ClassVar[float] = 1.04
    turn: ClassVar[float] = 0

    def draw(self, sheet: Sheet) -> None:
        """Far edge, crown with its panels, peak."""
        peak = Role.TRIM if self.two_tone else Role.BODY
        sheet.shadow(ellipse((520, 706), (330, 44)), blur=26, strength=0.42)
        sheet.lay(smooth((300, 610), (500, 690), (760, 650), (776, 600), (520, 560)), Role.BODY, Flat(52))
        crown = smooth(
            (286, 600), (278, 520), (296, 420), (360, 322), (470, 262), (590, 264), (700, 330), (766, 440), (786, 560),
            (782, 652), (782, 652), (700, 690), (600, 690), (470, 650), (360, 612),
        )  # fmt: skip
        sheet.lay(crown, Role.BODY, Puffed(depth=96, strength=1.15))
        self._panels(sheet)
        outline = smooth(
            (288, 574), (226, 590), (140, 640), (90, 700), (84, 734), (120, 748), (220, 726), (340, 706), (450, 694),
            (548, 688), (548, 688), (470, 630), (370, 590),
        )  # fmt: skip
        sheet.shadow(moved(outline, 4, 14), blur=14, strength=0.36)
        sheet.lay(outline, peak, Puffed(depth=34, strength=1.05))
        for inset in (0.0, 16.0, 32.0):
            row = smooth((250 + inset, 606), (160 + inset, 656), (122 + inset, 708 - inset * 0.3), closed=False)
            sheet.seam(row, strength=0.2)
        sheet.lay(ellipse((532, 258), (19, 12)), peak, Puffed(depth=8, strength=1.2))

    def _panels(self, sheet: Sheet) -> None:
        for path in (
            ((530, 262), (440, 330), (392, 440), (384, 610)),
            ((534, 262), (560, 380), (580, 520), (584, 684)),
            ((540, 262), (640, 320), (710, 430), (738, 560), (742, 668)),
        ):
            sheet.seam(smooth(*path, closed=False), strength=0.42)
        for hole in ((470, 380), (636, 396)):
            sheet.lay(ellipse(hole, (9, 9)), Role.BODY, Puffed(depth=4))
            sheet.lay(ellipse(hole, (4.5, 4.5)), STEEL, Sloped((0, hole[1] - 5), (0, hole[1] + 5), 40, 90))
        sheet.seam(smooth((300, 580), (420, 620), (600, 668), (778, 630), closed=False), strength=0.25)
