"""Strokes that are too thin to print, at the size at which they are printed.

Keep out: what is done about them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

THINNEST_MM: Final = 0.5
"""What direct printing holds; thinner lines break up, or fall off with the first wash."""
_PIXELS_ACROSS: Final = 4
"""Pixels that the thinnest stroke is measured with; of a coarser design its own pixels decide."""
_LONGEST_SIDE: Final = 3600
_INK: Final = 128
_LEAST_SHARE: Final = 0.002
"""The share of the ink from which on thin strokes count: less is the tip of a letter."""


class ThinStrokes(NamedTuple):
    """The share of the ink that lies in strokes thinner than `THINNEST_MM`, and their box in shares of the design."""

    share: float
    box: tuple[float, float, float, float]


def thin_strokes(alpha: NDArray[np.uint8], width_mm: float) -> ThinStrokes | None:
    """Find the strokes of a design, printed `width_mm` wide, that are too thin; None when there are none to speak of.

    Ink that a disc as wide as the thinnest stroke does not fit into is thin, save for corners next to where it does
    (morphological opening, then reconstruction by as much as a corner loses).
    """
    import cv2

    ink, per_mm = _scaled(alpha, width_mm)
    across = int(np.ceil(THINNEST_MM * per_mm))
    total = int(np.count_nonzero(ink))
    if across < 2 or not total:  # noqa: PLR2004 - a pixel is the finest that there is
        return None
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (across, across))
    opened = cv2.morphologyEx(ink, cv2.MORPH_OPEN, disc)
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * across + 1, 2 * across + 1))
    thin = (ink > 0) & (np.asarray(cv2.dilate(opened, around)) == 0)
    share = int(np.count_nonzero(thin)) / total
    return ThinStrokes(round(share, 4), _box(thin)) if share >= _LEAST_SHARE else None


def _scaled(alpha: NDArray[np.uint8], width_mm: float) -> tuple[NDArray[np.uint8], float]:
    """The ink as 0 and 255 at the scale that it is measured at, and its pixels per mm."""
    import cv2

    wanted = min(_PIXELS_ACROSS / THINNEST_MM * width_mm, _LONGEST_SIDE * min(1.0, alpha.shape[1] / alpha.shape[0]))
    times = min(wanted / alpha.shape[1], 1.0)
    size = max(round(alpha.shape[1] * times), 1), max(round(alpha.shape[0] * times), 1)
    small = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    return np.where(small >= _INK, 255, 0).astype(np.uint8), size[0] / width_mm


def _box(mask: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    height, width = mask.shape
    edges = columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height
    left, top, right, bottom = (round(float(edge), 4) for edge in edges)
    return left, top, right, bottom
