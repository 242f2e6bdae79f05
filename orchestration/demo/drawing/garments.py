"""Drawings of shirts, sweaters, jackets and bodywarmers, as worn by an invisible body.

Everything with a torso. Keep out: socks and headwear (`knitwear.py`), and the assortment that uses them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from orchestration.demo.drawing.light import Flat, Puffed, Sloped
from orchestration.demo.drawing.outlines import band, ellipse, mirrored, moved, rounded_box, smooth
from orchestration.demo.drawing.paint import BLACK, SHADE, SHINE, STEEL, Role

if TYPE_CHECKING:
    from orchestration.demo.drawing.outlines import Outline, Point
    from orchestration.demo.drawing.sheet import Part, Sheet


class Sleeve(Enum):
    """How long the sleeves are."""

    NONE = "none"
    SHORT = "short"
    LONG = "long"


class Neck(Enum):
    """What is at the neck."""

    CREW = "crew"
    V = "v"
    POLO = "polo"
    STAND = "stand"
    HOOD = "hood"


@dataclass(frozen=True, slots=True)
class Garment:
    """An upper garment from the front, or from the back."""

    sleeve: Sleeve = Sleeve.LONG
    neck: Neck = Neck.CREW
    zipped: bool = False
    ribbed: bool = False
    quilted: bool = False
    yoke: bool = False
    back: bool = False

    print_at: ClassVar[tuple[Point, float]] = ((592, 360), 74)
    detail_at: ClassVar[Point] = (500, 290)
    turn: ClassVar[float] = 0

    @property
    def zoom(self) -> float:
        """A hood needs room above the shoulders."""
        return 0.97 if self.neck is Neck.HOOD else 1.06

    def draw(self, sheet: Sheet) -> None:
        """Inside of the neck, sleeves, torso, and what is sewn on."""
        sheet.shadow(moved(_torso(), 20, 22), blur=30, strength=0.32)
        if self.neck is Neck.HOOD:
            self._hood(sheet)
        elif not self.back:
            self._inside(sheet)
        self._sleeves(sheet)
        torso = sheet.lay(self._body(), Role.BODY, Puffed(depth=80, strength=0.95))
        self._cloth(sheet, torso)
        if self.back:
            self._nape(sheet)
        else:
            self._front(sheet, torso)

    def _body(self) -> Outline:
        dip = {Neck.V: 296, Neck.POLO: 232, Neck.STAND: 196, Neck.HOOD: 238, Neck.CREW: 236}[self.neck]
        if self.back:
            dip = 192
        neckline = smooth(
            (578, 176), (548, (176 + dip) / 2 + 8), (500, dip), (452, (176 + dip) / 2 + 8), (422, 176), closed=False
        )
        side = _torso()[_TORSO_NECK_POINTS:-_TORSO_NECK_POINTS]
        return [*neckline, *side]

    def _inside(self, sheet: Sheet) -> None:
        opening = smooth((420, 172), (450, 164), (500, 160), (550, 164), (580, 172), (572, 240), (500, 300), (428, 240))
        sheet.lay(opening, Role.BODY, Flat(76))
        if self.neck in {Neck.CREW, Neck.V}:
            rib = smooth((424, 174), (460, 186), (500, 190), (540, 186), (576, 174), closed=False)
            sheet.lay(band(rib, 18), Role.BODY, Flat(98))
            sheet.stroke([(488, 202), (512, 202)], 7, SHINE, strength=0.5)

    def _sleeves(self, sheet: Sheet) -> None:
        if self.sleeve is Sleeve.NONE:
            return
        outline = _LONG_SLEEVE if self.sleeve is Sleeve.LONG else _SHORT_SLEEVE
        left = smooth(*outline)
        for side in (left, mirrored(left)):
            sleeve = sheet.lay(side, Role.BODY, Puffed(depth=52, strength=1.1))
            self._cuff(sheet, sleeve, flipped=side is not left)
            for fold in map(_curve, _ELBOW_FOLDS if self.sleeve is Sleeve.LONG else ()):
                sheet.crease(fold if side is left else mirrored(fold), sleeve, width=16, strength=0.16)

    def _cuff(self, sheet: Sheet, sleeve: Part, *, flipped: bool) -> None:
        if self.ribbed and self.sleeve is Sleeve.LONG:
            cuff = sheet.inlay([mirrored(_RIBBED_CUFF) if flipped else _RIBBED_CUFF], Role.TRIM, sleeve)
            _ribs(sheet, cuff, range(710, 880, 9) if flipped else range(120, 290, 9), 770, 880)
        else:
            hem = _LONG_HEM if self.sleeve is Sleeve.LONG else _SHORT_HEM
            sheet.stroke(mirrored(hem) if flipped else hem, 3, SHADE, strength=0.34, soft=0.6, onto=sleeve)

    def _cloth(self, sheet: Sheet, torso: Part) -> None:
        if self.ribbed:
            hem = sheet.inlay([[(280, 806), (720, 806), (720, 900), (280, 900)]], Role.TRIM, torso)
            _ribs(sheet, hem, range(290, 720, 9), 806, 900)
        else:
            sheet.seam(smooth((306, 836), (500, 846), (694, 836), closed=False), strength=0.3)
        if self.yoke:
            sheet.inlay([[(280, 150), (720, 150), (720, 300), (500, 326), (280, 300)]], Role.TRIM, torso)
            sheet.seam([(322, 300), (500, 326), (678, 300)], strength=0.4)
        if self.quilted:
            for y in range(290, 840, 78):
                sheet.crease(
                    smooth((306, y), (400, y + 9), (500, y + 11), (600, y + 9), (694, y), closed=False),
                    torso,
                    width=15,
                    strength=0.4,
                )
        else:
            for fold in _TORSO_FOLDS:
                sheet.crease(_curve(fold), torso, width=22, strength=0.13)
        for armhole in (_ARMHOLE, mirrored(_ARMHOLE)):
            sheet.seam(smooth(*armhole, closed=False), strength=0.4)

    def _front(self, sheet: Sheet, torso: Part) -> None:
        match self.neck:
            case Neck.CREW | Neck.V:
                self._neck_rib(sheet)
            case Neck.POLO:
                self._polo(sheet)
            case Neck.STAND:
                self._stand(sheet)
            case Neck.HOOD:
                self._drawstrings(sheet)
        if self.zipped:
            self._zip(sheet)
            for side in (_HAND_POCKET, mirrored(_HAND_POCKET)):
                sheet.stroke(side, 9, SHADE, strength=0.4, soft=1.5)
                sheet.stroke(side, 3, STEEL, strength=0.7)
        elif self.neck is Neck.HOOD:
            self._kangaroo(sheet, torso)

    def _nape(self, sheet: Sheet) -> None:
        match self.neck:
            case Neck.STAND | Neck.POLO:
                collar = smooth(
                    (416, 180), (416, 180), (432, 126), (432, 126), (500, 116), (568, 126), (568, 126), (584, 180),
                    (584, 180),
                    (540, 206), (500, 212), (460, 206),
                )  # fmt: skip
                sheet.shadow(moved(collar, 0, 6), blur=6, strength=0.3)
                paint = Role.BODY if self.neck is Neck.STAND else Role.TRIM
                sheet.lay(collar, paint, Puffed(depth=24, strength=0.9))
            case Neck.CREW | Neck.V:
                rib = smooth((423, 174), (460, 188), (500, 193), (540, 188), (577, 174), closed=False)
                sheet.lay(band(rib, 18), Role.TRIM if self.ribbed else Role.BODY, Puffed(depth=8, strength=0.9))
            case Neck.HOOD:
                sheet.seam(smooth((392, 206), (500, 244), (608, 206), closed=False), strength=0.34)
        sheet.seam(smooth((352, 268), (500, 282), (648, 268), closed=False), strength=0.2)

    def _neck_rib(self, sheet: Sheet) -> None:
        dip = 236 if self.neck is Neck.CREW else 296
        line = smooth(
            (423, 172), (452, (176 + dip) / 2 + 8), (500, dip), (548, (176 + dip) / 2 + 8), (577, 172), closed=False
        )
        sheet.lay(band(moved(line, 0, 4), 20), Role.TRIM if self.ribbed else Role.BODY, Puffed(depth=9, strength=0.9))
        sheet.seam(moved(line, 0, 17), strength=0.3)

    def _polo(self, sheet: Sheet) -> None:
        sheet.shadow([(478, 232), (526, 232), (526, 400), (478, 400)], blur=6, strength=0.24)
        sheet.lay([(480, 226), (522, 226), (522, 392), (480, 392)], Role.BODY, Sloped((480, 0), (522, 0), 142, 118))
        for y in (270, 320, 368):
            sheet.lay(ellipse((501, y), (6.5, 6.5)), Role.PRINT, Puffed(depth=4, strength=1.2))
        left = smooth((424, 166), (424, 166), (400, 196), (414, 262), (414, 262), (500, 236), (500, 236), (458, 204))
        for flap in (left, mirrored(left)):
            sheet.shadow(moved(flap, 2, 9), blur=7, strength=0.34)
            sheet.lay(flap, Role.TRIM, Puffed(depth=14, strength=0.8))

    def _stand(self, sheet: Sheet) -> None:
        behind = smooth((438, 112), (500, 104), (562, 112), (570, 150), (500, 164), (430, 150))
        sheet.lay(behind, Role.BODY, Flat(72))
        collar = smooth(
            (418, 180), (418, 180), (424, 140), (436, 112), (436, 112), (466, 134), (500, 142), (534, 134),
            (564, 112), (564, 112),
            (576, 140), (582, 180), (582, 180), (548, 210), (500, 220), (452, 210),
        )  # fmt: skip
        sheet.lay(collar, Role.BODY, Puffed(depth=24, strength=0.9))
        sheet.seam(smooth((420, 184), (452, 212), (500, 221), (548, 212), (580, 184), closed=False))

    def _hood(self, sheet: Sheet) -> None:
        outer = smooth(
            (392, 214),
            (384, 150),
            (410, 84),
            (456, 48),
            (500, 40),
            (544, 48),
            (590, 84),
            (616, 150),
            (608, 214),
            (500, 250),
        )
        sheet.lay(outer, Role.BODY, Puffed(depth=44, strength=1.1))
        if self.back:
            sheet.seam(smooth((500, 44), (504, 120), (500, 196), closed=False), strength=0.3)
            return
        opening = smooth((428, 196), (424, 150), (446, 104), (500, 86), (554, 104), (576, 150), (572, 196), (500, 262))
        sheet.shadow(opening, blur=8, strength=0.3)
        sheet.lay(opening, Role.TRIM, Sloped((500, 90), (500, 260), 44, 96))

    def _drawstrings(self, sheet: Sheet) -> None:
        lap = smooth((398, 190), (446, 224), (500, 250), (554, 224), (602, 190), closed=False)
        sheet.lay(band(lap, 22), Role.BODY, Puffed(depth=10, strength=1.0))
        for x, length in ((470, 104), (530, 90)):
            cord = smooth((x, 246), (x - 3, 280), (x + 2, 246 + length), closed=False)
            sheet.stroke(moved(cord, 5, 4), 7, SHADE, strength=0.3, soft=2)
            sheet.stroke(cord, 7, Role.PRINT, strength=0.9)
            sheet.stroke([(x + 2, 246 + length - 4), (x + 2, 246 + length + 12)], 8, STEEL)

    def _zip(self, sheet: Sheet) -> None:
        top = 140 if self.neck is Neck.STAND else 240
        sheet.stroke([(500, top), (500, 850)], 17, SHADE, strength=0.35, soft=3)
        sheet.stroke([(500, top), (500, 850)], 9, BLACK)
        sheet.stitches([(500, top), (500, 850)], STEEL, dash=5)
        sheet.stroke([(487, top + 10), (487, 846)], 2, SHINE, strength=0.22, soft=0.8)
        sheet.lay(rounded_box(493, top + 2, 507, top + 48, 6), STEEL, Sloped((493, 0), (507, 0), 190, 90))

    def _kangaroo(self, sheet: Sheet, torso: Part) -> None:
        pocket = smooth(
            (392, 640),
            (392, 640),
            (608, 640),
            (608, 640),
            (640, 720),
            (660, 790),
            (660, 790),
            (340, 790),
            (340, 790),
            (360, 720),
        )
        sheet.shadow(moved(pocket, 2, 5), blur=6, strength=0.22)
        sheet.inlay([pocket], Role.BODY, torso)
        sheet.seam([*pocket, pocket[0]], strength=0.34)


def _ribs(sheet: Sheet, within: Part, columns: range, top: float, bottom: float) -> None:
    grooves = [[(x, top), (x + 3.2, top), (x + 3.2, bottom), (x, bottom)] for x in columns]
    sheet.glaze(grooves, SHADE, within, strength=0.2)


def _curve(points: tuple[Point, ...]) -> Outline:
    return smooth(*points, closed=False)


def _torso() -> Outline:
    left = [(422, 176), (422, 176), (374, 200), (334, 216), (318, 250), (314, 330), (318, 420), (322, 560), (314, 700),
            (304, 846), (304, 846), (400, 858)]  # fmt: skip
    right = [(1000 - x, y) for x, y in reversed(left)]
    return smooth(*left, (500, 860), *right, closed=False)


# How much of the torso's outline is the corner at the neck, on each side.
_TORSO_NECK_POINTS = 8
_LONG_SLEEVE: tuple[Point, ...] = (
    (372, 240), (330, 219), (290, 242), (258, 310), (228, 420), (198, 560), (168, 700), (146, 812), (146, 812),
    (200, 830),
    (250, 832), (250, 832), (276, 700), (306, 570), (330, 450), (360, 340),
)  # fmt: skip
_SHORT_SLEEVE: tuple[Point, ...] = (
    (372, 240), (330, 219), (288, 241), (248, 284), (204, 342), (156, 412), (156, 412), (214, 448), (276, 474),
    (276, 474), (300, 430),
    (334, 400), (360, 330),
)  # fmt: skip
_RIBBED_CUFF: tuple[Point, ...] = ((120, 776), (270, 800), (270, 880), (100, 880))
_LONG_HEM: tuple[Point, ...] = ((150, 780), (254, 797))
_SHORT_HEM: tuple[Point, ...] = ((160, 398), (276, 456))
_ARMHOLE: list[Point] = [(336, 216), (322, 260), (316, 330), (320, 414)]
_HAND_POCKET: list[Point] = [(384, 590), (352, 720)]
_ELBOW_FOLDS: tuple[tuple[Point, ...], ...] = (
    ((232, 500), (262, 520), (296, 516)), ((214, 560), (250, 588), (284, 590)), ((276, 300), (300, 380), (306, 470)),
)  # fmt: skip
_TORSO_FOLDS: tuple[tuple[Point, ...], ...] = (
    ((340, 430), (380, 470), (420, 486)), ((660, 430), (624, 474), (590, 486)), ((352, 600), (372, 700), (360, 800)),
    ((636, 560), (622, 680), (640, 790)), ((450, 740), (456, 790), (450, 830)),
)  # fmt: skip
