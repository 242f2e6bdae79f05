"""How far two versions of a picture differ: numbers, and a heat picture.

Keep out: which versions there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.errors import InvalidInputError
from orchestration.mockups.fabrics import lab
from orchestration.mockups.pixels import over

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

_BACKDROP: Final = (238, 240, 242, 255)
_NOTICEABLE: Final = 2.3
"""CIE76 distance that is just noticed side by side (Mahy, 1994)."""
_HOTTEST: Final = 40.0
_FADED: Final = 0.25


class Difference(NamedTuple):
    """Mean and largest CIE76 distance, the share of pixels that differ noticeably, and where: x0, y0, x1, y1."""

    mean: float
    largest: float
    changed: float
    box: tuple[int, int, int, int] | None
    heat: Pixels

    @property
    def is_same(self) -> bool:
        """Whether no pixel differs at all."""
        return self.largest == 0


def compare(before: Pixels, after: Pixels, name: str = "the pictures") -> Difference:
    """Compare two pictures of one size, uint8 of height x width x 4; `name` stands in messages.

    Raises:
        InvalidInputError: they differ in size.

    """
    if before.shape != after.shape:
        sizes = " and ".join(f"{one.shape[1]} x {one.shape[0]}" for one in (before, after))
        raise InvalidInputError(f"{name}: {sizes} pixels cannot be compared; compare pictures of one size")
    flat = [over(picture, _BACKDROP)[:, :, :3] for picture in (before, after)]
    distance = np.linalg.norm(lab(flat[0]) - lab(flat[1]), axis=2)
    changed = distance > _NOTICEABLE
    return Difference(
        round(float(distance.mean()), 3),
        round(float(distance.max()), 2),
        round(float(changed.mean()), 5),
        _box(changed),
        _heat(flat[1], distance),
    )


def _box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    if not mask.any():
        return None
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _heat(after: Pixels, distance: NDArray[np.floating]) -> Pixels:
    """The later picture, faded and grey, beneath colours from blue to red where it differs."""
    import cv2

    strength = np.clip(distance / _HOTTEST, 0, 1)
    colours = cv2.applyColorMap(np.rint(strength * 255).astype(np.uint8), cv2.COLORMAP_TURBO)[:, :, ::-1]
    grey = np.repeat(after.mean(axis=2, keepdims=True), 3, axis=2) * _FADED + 255 * (1 - _FADED)
    share = np.clip(distance / _NOTICEABLE, 0, 1)[:, :, None]
    heat = np.full((*distance.shape, 4), 255, np.uint8)
    heat[:, :, :3] = np.rint(colours * share + grey * (1 - share))
    return heat
