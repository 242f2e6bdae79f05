"""The renderer: pictures of a design on a draped garment, from passes that are kept.

Keep out: passes (`passes`, `store`), colours (`compose`).
"""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from orchestration.mockups.views.angles import azimuth_of
from orchestration.mockups.views.compose import Ink, compose
from orchestration.mockups.views.engine import check_picture
from orchestration.mockups.views.passes import ViewKey
from orchestration.mockups.views.store import PassStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestration.mockups.artwork import Artwork
    from orchestration.mockups.views.compose import Background, Picture

RENDERER_VERSION: Final = "3"
# More samples than this a pixel show no difference.
_MAX_GRID: Final = 4


class Renderer:
    """The software renderer, with its passes below `cache`."""

    version: Final = RENDERER_VERSION

    def __init__(self, cache: Path) -> None:
        self._store = PassStore(cache, RENDERER_VERSION)
        self._ink: WeakKeyDictionary[Artwork, tuple[Ink, ...]] = WeakKeyDictionary()

    def still(self, artwork: Artwork, angle: str, *, size: int, background: Background, samples: int) -> Picture:
        """The picture (size, size, 4) uint8, sRGB with straight alpha, from one of `ANGLES`.

        `samples` a pixel are taken as a square grid of at most 16. Raises `InvalidInputError` for an unknown angle.
        """
        return self._picture(artwork, azimuth_of(angle), size, background, samples)

    def frames(
        self, artwork: Artwork, count: int, *, size: int, background: Background, samples: int
    ) -> Iterator[Picture]:
        """`count` pictures around the garment in even steps, from the front over the wearer's left."""
        for number in range(count):
            yield self._picture(artwork, 360 * number / count, size, background, samples)

    def _picture(self, artwork: Artwork, azimuth: float, size: int, background: Background, samples: int) -> Picture:
        check_picture(size, samples)
        key = ViewKey(artwork.garment.template_id, azimuth, size, min(isqrt(samples), _MAX_GRID))
        passes = self._store.get(artwork.garment, key)
        return compose(artwork, self._layers(artwork), passes, size, background)

    def _layers(self, artwork: Artwork) -> tuple[Ink, ...]:
        """The artwork's layers, converted once for all its views."""
        if artwork not in self._ink:
            self._ink[artwork] = tuple(Ink(layer) for layer in artwork.ink)
        return self._ink[artwork]
