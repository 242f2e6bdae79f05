"""What a picture shows: a garment in a colour, with layers of ink on its template canvas.

Keep out: how designs are placed (presets), how pictures are made of it (`views.renderer`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from orchestration.mockups.garments.model import Garment

Rgb = tuple[int, int, int]


class InkLayer(NamedTuple):
    """Ink on a part of the canvas: `pixels` (h, w, 4) uint8, sRGB with straight alpha, its top left corner at `x`, `y`.

    It may reach over the edge of the canvas; what lies outside is not shown.
    """

    x: int
    y: int
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Artwork:
    """A garment of a fabric colour (sRGB) with ink; later layers lie on earlier ones."""

    garment: Garment
    fabric: Rgb
    ink: tuple[InkLayer, ...] = ()
