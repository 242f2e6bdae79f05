"""Where the sheet of 1000 x 1000 design units lands in a picture.

The one mapping from design units to pixels. Keep out: what is drawn.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestration.demo.drawing.outlines import Outline, Point

SHEET = 1000.0


class Camera(NamedTuple):
    """A square picture of `size` pixels that shows `focus` in its middle, enlarged, turned clockwise in degrees.

    `flipped` swaps left and right, before the turn.
    """

    size: int
    zoom: float = 1.0
    turn: float = 0.0
    focus: Point = (SHEET / 2, SHEET / 2)
    flipped: bool = False

    @property
    def scale(self) -> float:
        """Pixels in one design unit."""
        return self.size / SHEET * self.zoom

    def place(self, points: Iterable[Point]) -> Outline:
        """The points in pixels, y down, origin at the upper left."""
        cos = math.cos(math.radians(self.turn)) * self.scale
        sin = math.sin(math.radians(self.turn)) * self.scale
        middle = self.size / 2
        (fx, fy), side = self.focus, -1 if self.flipped else 1
        seen = ((side * (x - fx), y - fy) for x, y in points)
        return [(middle + x * cos - y * sin, middle + x * sin + y * cos) for x, y in seen]
