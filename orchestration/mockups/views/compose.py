"""A picture of a design on a view's passes: ink in the cloth, light on both, the background behind.

Colours are mixed in linear light. Keep out: how passes are made.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from orchestration.mockups.views.passes import BYTE_STEPS, LIGHT_STEPS, PLACE_STEPS, SHEEN_STEPS, typical_step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.mockups.artwork import Artwork, InkLayer, Rgb
    from orchestration.mockups.views.passes import Passes

Background = tuple[int, int, int] | None
Picture = NDArray[np.uint8]

# Cloth reflects neither all nor nothing.
_WHITEST: Final = 0.90
_BLACKEST: Final = 0.011
_LABEL: Final = 0.80
# Canvas px around a layer that count as the layer, and the px below which a layer is not halved.
_NEAR: Final = 4
_SMALLEST: Final = 2
# The knit shows through ink: so much of the cloth stays visible.
_INK_COVER: Final = 0.965
# The share of the light between folds that meets cloth once more.
_CLOSED_IN: Final = 0.35
# The tone curve: linear light up to the knee, in 16 bits up to the brightest.
_CODES: Final = 65536
_BRIGHTEST: Final = 2.5
_KNEE: Final = 0.60
_WHOLE: Final = 65535
_HALF: Final = np.float32(0.5)
# Where sRGB's straight part ends, as a code from 0 to 1 and as light.
_DARK_CODE: Final = 0.04045
_DARK_LIGHT: Final = 0.0031308


def linear(codes: NDArray[np.integer]) -> NDArray[np.float32]:
    """The linear light of sRGB codes (IEC 61966-2-1)."""
    values = codes / 255
    return np.where(values <= _DARK_CODE, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


@cache
def _decode_table() -> NDArray[np.float32]:
    """Linear light of the 256 sRGB codes."""
    return linear(np.arange(256))


@cache
def _ink_table() -> NDArray[np.uint16]:
    """The same in 16 bits."""
    return np.round(_decode_table() * _WHOLE).astype(np.uint16)


@cache
def _develop_table() -> NDArray[np.uint8]:
    """The sRGB codes of the studio's light, with a soft shoulder, so that highlights on white cloth keep their form."""
    light = np.arange(_CODES) / (_CODES - 1) * _BRIGHTEST
    over = np.maximum(light - _KNEE, 0) / (1 - _KNEE)
    return encoded(np.where(light > _KNEE, _KNEE + (1 - _KNEE) * (1 - np.exp(-over)), light).astype(np.float32))


def encoded(light: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """The sRGB codes of linear light from 0 to 1 (IEC 61966-2-1)."""
    codes = np.where(light <= _DARK_LIGHT, light * 12.92, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)
    return np.clip(np.round(codes * 255), 0, 255).astype(np.uint8)


def develop(light: NDArray[np.float32]) -> Picture:
    """The sRGB codes (h, w, 3) of linear light as the studio's camera shows them."""
    import cv2

    steps = np.minimum(light * np.float32((_CODES - 1) / _BRIGHTEST), _CODES - 1).astype(np.uint16)
    return np.asarray(cv2.LUT(steps, _develop_table()), np.uint8)


def lay_ink(cloth: Picture, layer: InkLayer) -> None:
    """Print a layer on a picture (canvas, canvas, 3) of the cloth's reflectance as sRGB codes, in place."""
    height, width = cloth.shape[:2]
    left, top = max(-layer.x, 0), max(-layer.y, 0)
    kept = layer.pixels[top : max(height - layer.y, 0), left : max(width - layer.x, 0)]
    under = cloth[layer.y + top : layer.y + top + kept.shape[0], layer.x + left : layer.x + left + kept.shape[1]]
    cover = kept[..., 3:].astype(np.float32) * np.float32(_INK_COVER / BYTE_STEPS)
    below = _decode_table()[under]
    under[:] = encoded(below + cover * (reflectance(kept[..., :3]) - below))


def reflectance(colour: Rgb | NDArray[np.uint8]) -> NDArray[np.float32]:
    """How much of each channel a cloth or an ink of that colour gives back."""
    return (_BLACKEST + (_WHITEST - _BLACKEST) * linear(np.asarray(colour))).astype(np.float32)


class Ink:
    """A layer of ink, ready to be looked up: premultiplied linear light, and halved versions of it."""

    def __init__(self, layer: InkLayer) -> None:
        """Convert the layer once; it is looked up for every view."""
        import cv2

        self.x, self.y = layer.x, layer.y
        *colours, opacity = cv2.split(layer.pixels)
        alpha = np.asarray(opacity, np.uint16) * np.uint16(_WHOLE // BYTE_STEPS)
        light = [cv2.LUT(colour, _ink_table()) for colour in colours]
        for channel in light:
            cv2.multiply(channel, alpha, dst=channel, scale=1 / _WHOLE)
        self._levels = [np.asarray(cv2.merge([*light, alpha]), np.uint16)]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in canvas px."""
        height, width = self._levels[0].shape[:2]
        return width, height

    def halved(self, times: int) -> NDArray[np.uint16]:
        """The layer at 1 / 2 ** times of its size; never smaller than 2 px."""
        import cv2

        while len(self._levels) <= times and min(self._levels[-1].shape[:2]) >= 2 * _SMALLEST:
            height, width = self._levels[-1].shape[:2]
            smaller = cv2.resize(self._levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
            self._levels.append(np.asarray(smaller, np.uint16))
        return self._levels[min(times, len(self._levels) - 1)]


class Cutout(NamedTuple):
    """A lit garment: sRGB `codes` (h, w, 3), the share of each pixel that it covers, its upper left corner."""

    codes: Picture
    covered: NDArray[np.uint8]
    corner: tuple[int, int]


def compose(artwork: Artwork, ink: Sequence[Ink], passes: Passes, size: int, background: Background) -> Picture:
    """The picture (size, size, 4) uint8, sRGB with straight alpha, of an artwork whose layers are `ink`."""
    cloth = reflectance(artwork.fabric)
    colours = [np.full(passes.covered.shape, channel, np.float32) for channel in cloth]
    if passes.label.any():
        share = passes.label.astype(np.float32) / BYTE_STEPS
        colours = [colour + share * (_LABEL - colour) for colour in colours]
    for layer in ink:
        _print(colours, layer, passes)
    corner = (int(passes.box[0]), int(passes.box[1]))
    cut = Cutout(_lit(colours, cloth, passes), np.asarray(passes.covered), corner)
    return place_on(background, cut, passes.floor, size)


def _lit(colours: Sequence[NDArray[np.float32]], cloth: NDArray[np.float32], passes: Passes) -> Picture:
    """The sRGB codes (h, w, 3) of a surface's reflectance, three planes (h, w), in the light of the passes."""
    import cv2

    step = (_CODES - 1) / _BRIGHTEST
    light, bounce = np.asarray(passes.light), np.asarray(passes.bounce)
    sheen = passes.sheen * np.float32((0.35 + 0.65 * float(cloth.mean())) / SHEEN_STEPS * step)
    codes = []
    for colour, again in zip(colours, cloth.tolist(), strict=True):
        closed_in = again / (1 - _CLOSED_IN * again)
        falls = cv2.addWeighted(light, step / LIGHT_STEPS, bounce, closed_in * step / LIGHT_STEPS, 0, dtype=cv2.CV_32F)
        # Brighter light than the table's is cut off by the 16 bits.
        codes.append(cv2.LUT(cv2.add(cv2.multiply(colour, falls), sheen, dtype=cv2.CV_16U), _develop_table()))
    return np.asarray(cv2.merge(codes), np.uint8)


def _print(colours: Sequence[NDArray[np.float32]], ink: Ink, passes: Passes) -> None:
    """Put a layer on the cloth's reflectance, three planes (h, w), in place."""
    import cv2

    grid = passes.place.shape[0] // passes.covered.shape[0]
    part = _seen_part(ink, passes, grid)
    if part is None:
        return
    rows, columns = part
    place = passes.place[rows.start * grid : rows.stop * grid, columns.start * grid : columns.stop * grid]
    texture = ink.halved(_times_halved(typical_step(place) / PLACE_STEPS))
    u, v = _looked_up(place, ink, texture)
    samples = cv2.remap(texture, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    height, width = rows.stop - rows.start, columns.stop - columns.start
    *light, alpha = cv2.split(cv2.resize(samples, (width, height), interpolation=cv2.INTER_AREA))
    share = np.float32(_INK_COVER / _WHOLE)
    cover = alpha * share
    for colour, channel in zip(colours, light, strict=True):
        region = colour[rows, columns]
        region += cover * (_BLACKEST - region) + np.float32(_WHITEST - _BLACKEST) * share * channel


def _looked_up(
    place: NDArray[np.uint16], ink: Ink, texture: NDArray[np.uint16]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where each sample lies in the texture, columns and rows from the middle of its first px."""
    found = []
    for axis in (0, 1):
        scale = texture.shape[1 - axis] / ink.size[axis]
        where = place[..., axis] * np.float32(scale / PLACE_STEPS)
        where -= np.float32((ink.x, ink.y)[axis] * scale + _HALF)
        found.append(where)
    return found[0], found[1]


def _seen_part(ink: Ink, passes: Passes, grid: int) -> tuple[slice, slice] | None:
    """The pixels that may see the layer, a margin around them included; None if there are none."""
    import cv2

    corner = np.ascontiguousarray(passes.place[::grid, ::grid])
    low = np.array([ink.x - _NEAR, ink.y - _NEAR], np.float64) * PLACE_STEPS
    high = np.array([ink.x + ink.size[0] + _NEAR, ink.y + ink.size[1] + _NEAR], np.float64) * PLACE_STEPS - 1
    seen = np.bitwise_and(cv2.inRange(corner, low, high), passes.takes_ink)
    x, y, across, down = cv2.boundingRect(np.asarray(seen, np.uint8))
    if not across:
        return None
    bottom, right = passes.covered.shape
    return slice(max(y - 2, 0), min(y + down + 2, bottom)), slice(max(x - 2, 0), min(x + across + 2, right))


def _times_halved(step: float) -> int:
    """How often to halve a texture so that a sample's step is at most some 2 px of it."""
    return max(0, int(np.log2(max(step, 1e-3) / 1.1)))


def place_on(background: Background, cut: Cutout, floor: NDArray[np.uint8], size: int) -> Picture:
    """The picture (size, size, 4) of a garment on the background, on which its shadow falls."""
    import cv2

    height, width = cut.covered.shape
    area = (slice(cut.corner[1], cut.corner[1] + height), slice(cut.corner[0], cut.corner[0] + width))
    if background is None:
        picture = np.zeros((size, size, 4), np.uint8)
        seen = np.asarray(cv2.merge([*cv2.split(cut.codes), cut.covered]), np.uint8)
        picture[area] = np.where(cut.covered[..., None] > 0, seen, 0)
        return picture
    picture = _backdrop(background, floor, size)
    partly = (cut.covered > 0) & (cut.covered < BYTE_STEPS)
    share = cut.covered[partly].astype(np.float32)[:, None] / BYTE_STEPS
    behind, front = _decode_table()[picture[area][partly][:, :3]], _decode_table()[cut.codes[partly]]
    whole = cv2.inRange(cut.covered, BYTE_STEPS, BYTE_STEPS)
    picture[area] = cv2.copyTo(cv2.cvtColor(cut.codes, cv2.COLOR_RGB2RGBA), whole, np.ascontiguousarray(picture[area]))
    picture[area][partly, :3] = encoded(behind + share * (front - behind))
    return picture


def _backdrop(colour: Rgb, floor: NDArray[np.uint8], size: int) -> Picture:
    """The background with the garment's shadow on it; where there is none, exactly its colour."""
    import cv2

    shades = np.arange(BYTE_STEPS + 1, dtype=np.float32)[:, None] / BYTE_STEPS
    codes = np.full((BYTE_STEPS + 1, 4), BYTE_STEPS, np.uint8)
    codes[:, :3] = encoded(shades * linear(np.asarray(colour)))
    shadow = np.asarray(cv2.resize(floor, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)
    # A whole pixel is looked up at once.
    picture: Picture = np.take(codes.view(np.uint32)[:, 0], shadow).view(np.uint8).reshape(size, size, 4)
    return picture
