"""A picture of a design on a view's passes: ink in the cloth, light on both, the background behind.

Colours are mixed in linear light. Keep out: how passes are made.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

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
# The tone curve: linear light up to the knee, in so many steps up to the brightest.
_CODES: Final = 8192
_BRIGHTEST: Final = 2.5
_KNEE: Final = 0.60
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
def _develop_table() -> NDArray[np.uint8]:
    """The sRGB codes of the studio's light, with a soft shoulder, so that highlights on white cloth keep their form."""
    light = np.arange(_CODES) / (_CODES - 1) * _BRIGHTEST
    over = np.maximum(light - _KNEE, 0) / (1 - _KNEE)
    return _encoded(np.where(light > _KNEE, _KNEE + (1 - _KNEE) * (1 - np.exp(-over)), light).astype(np.float32))


def _developed(light: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The picture of light that the studio's surfaces give back."""
    step = (_CODES - 1) / _BRIGHTEST
    codes: NDArray[np.uint8] = _develop_table()[np.minimum(light * step, _CODES - 1).astype(np.int32)]
    return codes


def _encoded(light: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """The sRGB codes of linear light from 0 to 1 (IEC 61966-2-1)."""
    codes = np.where(light <= _DARK_LIGHT, light * 12.92, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)
    return np.clip(np.round(codes * 255), 0, 255).astype(np.uint8)


def reflectance(colour: Rgb) -> NDArray[np.float32]:
    """How much of each channel a cloth or an ink of that colour gives back."""
    return (_BLACKEST + (_WHITEST - _BLACKEST) * linear(np.asarray(colour))).astype(np.float32)


class Ink:
    """A layer of ink, ready to be looked up: premultiplied linear light, and halved versions of it."""

    def __init__(self, layer: InkLayer) -> None:
        """Convert the layer once; it is looked up for every view."""
        self.x, self.y = layer.x, layer.y
        alpha = layer.pixels[..., 3:].astype(np.float32) / 255
        colour = _decode_table()[layer.pixels[..., :3]] * alpha
        full = np.concatenate([colour, alpha], axis=-1)
        self._levels = [np.round(full * 65535).astype(np.uint16)]

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


def compose(artwork: Artwork, ink: Sequence[Ink], passes: Passes, size: int, background: Background) -> Picture:
    """The picture (size, size, 4) uint8, sRGB with straight alpha, of an artwork whose layers are `ink`."""
    cloth = reflectance(artwork.fabric)
    colour = np.empty((*passes.covered.shape, 3), np.float32)
    colour[:] = cloth
    if passes.label.any():
        share = passes.label.astype(np.float32)[..., None] / BYTE_STEPS
        colour += share * (_LABEL - colour)
    for layer in ink:
        _print(colour, layer, passes)
    light = passes.light.astype(np.float32) / LIGHT_STEPS
    bounce = passes.bounce.astype(np.float32) / LIGHT_STEPS
    sheen = passes.sheen.astype(np.float32) * ((0.35 + 0.65 * float(cloth.mean())) / (SHEEN_STEPS))
    for channel in range(3):
        again = float(cloth[channel])
        colour[..., channel] *= light + bounce * (again / (1 - _CLOSED_IN * again))
        colour[..., channel] += sheen
    return _placed(colour, passes, size, background)


def _print(colour: NDArray[np.float32], ink: Ink, passes: Passes) -> None:
    """Put a layer on the cloth's reflectance (h, w, 3), in place."""
    import cv2

    grid = passes.place.shape[0] // passes.covered.shape[0]
    part = _seen_part(ink, passes, grid)
    if part is None:
        return
    rows, columns = part
    fine = (slice(rows.start * grid, rows.stop * grid), slice(columns.start * grid, columns.stop * grid))
    place = passes.place[fine].astype(np.float32) * np.float32(1 / PLACE_STEPS)
    texture = ink.halved(_times_halved(typical_step(place)))
    scale = [texture.shape[1] / ink.size[0], texture.shape[0] / ink.size[1]]
    u, v = ((place[..., axis] - (ink.x, ink.y)[axis]) * scale[axis] - 0.5 for axis in (0, 1))
    samples = cv2.remap(texture, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    height, width = rows.stop - rows.start, columns.stop - columns.start
    inked = np.asarray(cv2.resize(samples.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA))
    # Samples beside the garment fetch nothing, but the cloth's colour is an average over the covered ones only.
    share = np.maximum(passes.covered[rows, columns].astype(np.float32), 1) * np.float32(65535 / BYTE_STEPS)
    inked = inked * (np.float32(_INK_COVER) / share)[..., None]
    alpha = np.minimum(inked[..., 3:], 1)
    region = colour[rows, columns]
    region += alpha * (_BLACKEST - region) + (_WHITEST - _BLACKEST) * inked[..., :3]


def _seen_part(ink: Ink, passes: Passes, grid: int) -> tuple[slice, slice] | None:
    """The pixels that may see the layer, a margin around them included; None if there are none."""
    corner = passes.place[::grid, ::grid].astype(np.int32) // PLACE_STEPS - np.array([ink.x, ink.y])
    width, height = ink.size
    seen = (corner >= -_NEAR).all(axis=-1) & (corner[..., 0] < width + _NEAR) & (corner[..., 1] < height + _NEAR)
    seen &= passes.takes_ink > 0
    rows, columns = np.nonzero(seen.any(axis=1))[0], np.nonzero(seen.any(axis=0))[0]
    if not len(rows):
        return None
    bottom, right = passes.covered.shape
    return (
        slice(max(int(rows[0]) - 2, 0), min(int(rows[-1]) + 3, bottom)),
        slice(max(int(columns[0]) - 2, 0), min(int(columns[-1]) + 3, right)),
    )


def _times_halved(step: float) -> int:
    """How often to halve a texture so that a sample's step is at most some 2 px of it."""
    return max(0, int(np.log2(max(step, 1e-3) / 1.1)))


def _placed(colour: NDArray[np.float32], passes: Passes, size: int, background: Background) -> Picture:
    """The lit garment on the background."""
    height, width = passes.covered.shape
    x, y = (int(value) for value in passes.box)
    picture = np.zeros((size, size, 4), np.uint8)
    area = picture[y : y + height, x : x + width]
    if background is None:
        area[..., :3] = _developed(colour)
        area[..., 3] = passes.covered
        area[passes.covered == 0] = 0
        return picture
    picture[...] = _backdrop(background, passes.floor, size)
    whole, partly = passes.covered == BYTE_STEPS, (passes.covered > 0) & (passes.covered < BYTE_STEPS)
    garment = _developed(colour)
    area[whole, :3] = garment[whole]
    share = passes.covered[partly].astype(np.float32)[:, None] / BYTE_STEPS
    behind, front = _decode_table()[area[partly][:, :3]], _decode_table()[garment[partly]]
    area[partly, :3] = _encoded(behind + share * (front - behind))
    return picture


def _backdrop(colour: Rgb, floor: NDArray[np.uint8], size: int) -> Picture:
    """The background with the garment's shadow on it; where there is none, exactly its colour."""
    import cv2

    shades = np.arange(BYTE_STEPS + 1, dtype=np.float32)[:, None] / BYTE_STEPS
    codes = np.full((BYTE_STEPS + 1, 4), BYTE_STEPS, np.uint8)
    codes[:, :3] = _encoded(shades * linear(np.asarray(colour)))
    shadow = np.asarray(cv2.resize(floor, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)
    picture: Picture = codes[shadow]
    return picture
