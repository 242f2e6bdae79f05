"""Whether a design brings a box of one colour along: a logo that was saved on white.

Keep out: whether that box is seen on a fabric (`composites.verdict`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.mockups.fabrics import Colour

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

_OPAQUE_FROM: Final = 250
_SAME_WITHIN: Final = 10
"""How far a channel may lie from the box's colour; the loss of a JPEG is within it."""
_BORDER_SHARE, _LEAST_SHARE = 0.98, 0.15


class SolidBox(NamedTuple):
    """A box of one colour around what is shown, and the share of the design that has that colour."""

    colour: Colour
    share: float


def solid_box(pixels: Pixels) -> SolidBox | None:
    """Return the box that a design stands on, if nearly all of its border has one opaque colour.

    A design of one colour throughout is no box: there is nothing on it.
    """
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    if (border[:, 3] >= _OPAQUE_FROM).mean() < _BORDER_SHARE:
        return None
    middle = np.median(border[:, :3], axis=0).astype(np.uint8)
    if _like(border, middle).mean() < _BORDER_SHARE:
        return None
    colour = Colour(*(int(channel) for channel in middle))
    share = float(of_box(pixels, colour).mean())
    return SolidBox(colour, round(share, 4)) if _LEAST_SHARE <= share < 1 else None


def of_box(pixels: Pixels, colour: Colour) -> NDArray[np.bool_]:
    """Tell which opaque pixels have the colour of a box."""
    return _like(pixels, np.array(colour.rgb, np.uint8)) & (pixels[..., 3] >= _OPAQUE_FROM)


def _like(pixels: Pixels, colour: NDArray[np.uint8]) -> NDArray[np.bool_]:
    distance = np.abs(pixels[..., :3].astype(np.int16) - colour.astype(np.int16))
    alike: NDArray[np.bool_] = distance.max(axis=-1) <= _SAME_WITHIN
    return alike
