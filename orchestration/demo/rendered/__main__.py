"""Render the garments of the sample assortment again: `make pictures`. It takes some seconds.

Keep out: painting them in colours (`garment`).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.demo.rendered.garment import BASE, DATA, PRINT, SIDE
from orchestration.mockups.artwork import Artwork, InkLayer
from orchestration.mockups.garments.library import load_garment
from orchestration.mockups.pixels import webp
from orchestration.mockups.views.compose import linear
from orchestration.mockups.views.renderer import Renderer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orchestration.mockups.garments.model import Garment

    Pixels = NDArray[np.uint8]

_QUALITY: Final = 90
_SAMPLES: Final = 9
# A close-up is cut out of a larger picture: its side, and where it begins.
_LARGE, _CUT = 1440, (320, 560)
_GREYS: Final = ((0, 0, 0), (128, 128, 128), (255, 255, 255))


class View(NamedTuple):
    """A view of a garment, its name in the feed, and the masks that go with it."""

    template_id: str
    name: str
    angle: str
    masks: tuple[str, ...] = ()


VIEWS: Final = (
    View("mens-tshirt", "front", "front_0deg"),
    View("mens-tshirt", "reverse", "back_180deg"),
    View("womens-tshirt", "front", "front_0deg"),
    View("tote-bag", "front", "front_0deg", (PRINT, BASE)),
    View("tote-bag", "detail", "front_0deg", (BASE,)),
)


def main() -> None:
    """Write the files of all views."""
    with tempfile.TemporaryDirectory() as cache:
        renderer = Renderer(Path(cache))
        for view in VIEWS:
            garment = load_garment(view.template_id)
            black, grey, white = (_seen(renderer, view, Artwork(garment, colour)) for colour in _GREYS)
            panels = [black[..., 1], grey[..., 1], white[..., 1], white[..., 3]]
            _write(f"{view.template_id}_{view.name}", panels)
            for mask in view.masks:
                layer = _logo(garment) if mask == PRINT else _base(garment)
                inked = _seen(renderer, view, Artwork(garment, (0, 0, 0), (layer,)))
                _write(f"{view.template_id}_{view.name}_{mask}", [_share(inked, black, white)])


def _seen(renderer: Renderer, view: View, artwork: Artwork) -> Pixels:
    size = _LARGE if view.name == "detail" else SIDE
    picture = renderer.still(artwork, view.angle, size=size, background=None, samples=_SAMPLES)
    left, top = _CUT if view.name == "detail" else (0, 0)
    return picture[top : top + SIDE, left : left + SIDE]


def _share(inked: Pixels, black: Pixels, white: Pixels) -> Pixels:
    """How much of each pixel is ink: where between black and white cloth its light lies."""
    light, low, high = (linear(picture[..., 1]) for picture in (inked, black, white))
    share = np.clip((light - low) / np.maximum(high - low, 1e-3), 0, 1)
    codes: Pixels = np.round(share * 255).astype(np.uint8)
    return codes


def _logo(garment: Garment) -> InkLayer:
    """An invented mark in the middle of the front: a ring around two hills."""
    import cv2

    zone = garment.zone_px(garment.piece("front"))
    side = (zone.x1 - zone.x0) * 2 // 3
    radius, bits = side / 2, 4
    alpha = np.zeros((side, side), np.uint8)
    middle, hills = round(radius * 16), [(-0.62, 0.38), (-0.2, -0.32), (0.02, 0.06), (0.2, -0.16), (0.62, 0.38)]
    cv2.circle(alpha, (middle, middle), round(radius * 0.9 * 16), 255, round(radius * 0.15), cv2.LINE_AA, bits)
    points = np.round((np.array(hills) * radius + radius) * 16).astype(np.int32)
    cv2.fillPoly(alpha, [points], 255, cv2.LINE_AA, bits)
    sun = np.round((np.array((0.3, -0.44)) * radius + radius) * 16).astype(int)
    cv2.circle(alpha, (int(sun[0]), int(sun[1])), round(radius * 0.13 * 16), 255, -1, cv2.LINE_AA, bits)
    pixels = np.full((side, side, 4), 255, np.uint8)
    pixels[..., 3] = alpha
    return InkLayer(zone.x0 + (zone.x1 - zone.x0 - side) // 2, zone.y0 + (zone.y1 - zone.y0 - side) // 2, pixels)


def _base(garment: Garment) -> InkLayer:
    """The lowest quarter of the front, over its seams."""
    piece = garment.piece("front")
    outline = garment.to_canvas(piece, piece.outline)
    (x0, y0), (x1, y1) = outline.min(axis=0), outline.max(axis=0)
    top = round(y0 + 0.74 * (y1 - y0))
    return InkLayer(int(x0), top, np.full((int(y1) - top + 8, int(x1 - x0) + 1, 4), 255, np.uint8))


def _write(name: str, panels: list[Pixels]) -> None:
    strip = np.concatenate(panels, axis=1)
    (DATA / f"{name}.webp").write_bytes(webp(np.repeat(strip[..., None], 3, axis=2), _QUALITY))


if __name__ == "__main__":
    main()
