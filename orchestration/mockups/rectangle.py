"""A rectangle whose sides need not be whole numbers.

Keep out: what it bounds, and in which unit.
"""

from __future__ import annotations

from typing import NamedTuple


class Rectangle(NamedTuple):
    """From the upper left to the lower right corner, y downwards; `x1` and `y1` lie outside."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.y1 - self.y0
