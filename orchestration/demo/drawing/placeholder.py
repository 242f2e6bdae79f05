"""The card that a supplier shows where a picture is missing: a camera on pale paper.

That one drawing. Keep out: which products show it (`assortment`, by the view `FOLLOWS`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from orchestration.demo.drawing.light import Flat, Sloped
from orchestration.demo.drawing.outlines import ellipse, moved, rounded_box
from orchestration.demo.drawing.paint import Role

if TYPE_CHECKING:
    from orchestration.demo.drawing.outlines import Point
    from orchestration.demo.drawing.sheet import Sheet


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A camera, drawn in one tone: the trim on a card of the body's colour."""

    print_at: ClassVar[tuple[Point, float]] = ((500, 500), 100)
    detail_at: ClassVar[Point] = (500, 500)
    zoom: ClassVar[float] = 1.0
    turn: ClassVar[float] = 0

    def draw(self, sheet: Sheet) -> None:
        """The card, then the camera's body, its lens and its button."""
        card = rounded_box(150, 220, 850, 780, 36)
        sheet.shadow(moved(card, 6, 14), blur=26, strength=0.22)
        sheet.lay(card, Role.BODY, Sloped((150, 220), (850, 780), 134, 120))
        sheet.lay(rounded_box(352, 424, 648, 620, 30), Role.TRIM, Flat())
        sheet.lay([(446, 424), (466, 384), (534, 384), (554, 424)], Role.TRIM, Flat())
        sheet.lay(rounded_box(380, 404, 424, 428, 8), Role.TRIM, Flat())
        sheet.lay(ellipse((500, 520), (72, 72)), Role.BODY, Flat())
        sheet.lay(ellipse((500, 520), (54, 54)), Role.TRIM, Flat())
        sheet.lay(ellipse((500, 520), (30, 30)), Role.BODY, Flat())
        sheet.lay(ellipse((618, 456), (10, 10)), Role.BODY, Flat())
