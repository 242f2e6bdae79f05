"""Whether a print can be seen on its fabric, and what of it will not come out as it was drawn.

Measures of ink on fabric, and the verdict. Keep out: what the ink looks like (`inks`), and findings that need no fabric
(`designs.readiness`). Nothing here refuses a print: a customer may want white on white.

Measured on a small copy of the design, since shares need no more.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.mockups.composites.inks import half_transparent, printed
from orchestration.mockups.designs.background import of_box
from orchestration.mockups.fabrics import Colour, lab, to_linear, to_srgb
from orchestration.mockups.mockup_request import InkMode
from orchestration.mockups.pixels import resized

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from orchestration.mockups.designs.background import SolidBox

    Pixels = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

_SIDE, _SOFT_SIDE = 400, 800
_SEEN_ALPHA: Final = 26
_SEEN_DISTANCE: Final = 12.0
"""CIE76 distance from the fabric from which ink is seen across a room; 2.3 is just noticeable side by side."""
_LEGIBILITY: Final = np.array((1.0, 0.5, 0.5), np.float32)
"""Weights of L*, a* and b*: eyes read by lightness."""
_BLANK_BELOW, _WEAK_BELOW = 0.05, 0.60
_HALF_TRANSPARENT_FROM, _OUTSIDE_GAMUT_FROM, _LOST_COLOURS = 0.02, 0.10, 3
_GAMUT_DISTANCE: Final = 15.0
_COARSE: Final = 32
"""Colours that differ by less are listed as one."""


class Verdict(StrEnum):
    """Whether the design is seen: most of it, some of it, or nothing."""

    PRINTABLE = "printable"
    WEAK = "weak"
    BLANK = "blank"


class LostColour(NamedTuple):
    """A colour of the design that is not seen on the fabric, and its share of what is drawn."""

    colour: Colour
    share: float


class FabricFit(NamedTuple):
    """A print on a fabric; shares are of what is drawn, without the box that it may stand on.

    `contrast` is the mean distance between print and fabric, 100 between black and white, in which lightness counts
    twice as much as hue. `soft_box` is where half-transparent ink lies, in
    shares of the design: left, top, right, bottom. `box` is the solid box that is seen on the fabric.
    """

    mode: InkMode
    fabric: Colour
    verdict: Verdict
    visible: float
    contrast: float
    lost: tuple[LostColour, ...]
    half_transparent: float
    soft_box: tuple[float, float, float, float] | None
    box: SolidBox | None
    outside_gamut: float

    def warnings(self) -> Iterator[str]:
        """What will not come out as it was drawn."""
        if self.verdict is not Verdict.PRINTABLE:
            yield self._unseen()
        if self.box:
            yield (
                f"the design stands on a solid box of {self.box.colour.hex}, {self.box.share:.0%} of it, which will be "
                f"seen on {self.fabric.hex}; send it with a transparent background"
            )
        if self.half_transparent >= _HALF_TRANSPARENT_FROM and self.mode is not InkMode.DTG_LIGHT:
            fate = "covered in white or dropped" if self.mode is InkMode.DTF else "milky"
            yield (
                f"{self.half_transparent:.0%} of the design is half transparent and comes out {fate}; "
                "make it opaque, or dither it"
            )
        if self.outside_gamut >= _OUTSIDE_GAMUT_FROM:
            yield (
                f"{self.outside_gamut:.0%} of the design is more vivid than the inks can print: it comes out duller; "
                "soften those colours"
            )

    def _unseen(self) -> str:
        if not self.visible and not self.lost:
            return f"the design is fully transparent: the print is {self.verdict}; send a picture with something on it"
        colours = ", ".join(lost.colour.hex for lost in self.lost)
        named = f" ({colours} is too near to the fabric)" if colours else ""
        return (
            f"only {self.visible:.0%} of the design is seen on {self.fabric.hex}{named}: the print is {self.verdict}; "
            "choose another fabric or other colours"
        )


def fit(pixels: Pixels, fabric: Colour, mode: InkMode, box: SolidBox | None) -> FabricFit:
    """Judge a design on a fabric, printed by `mode` (not AUTO)."""
    small = _small(pixels)
    drawn = small[:, :, 3] >= _SEEN_ALPHA
    content = drawn & ~of_box(small, box.colour) if box else drawn
    apart = _apart(small, fabric, mode)
    distance = np.linalg.norm(apart, axis=2)
    weight = np.where(content, small[:, :, 3], 0).astype(np.float64)
    visible = _share(weight, distance >= _SEEN_DISTANCE)
    soft, soft_box = _soft(pixels)
    seen_box = box if box and _is_seen(box.colour, fabric, mode) else None
    return FabricFit(
        mode,
        fabric,
        _verdict(visible),
        visible,
        round(float((np.linalg.norm(apart * _LEGIBILITY, axis=2) * weight).sum() / max(weight.sum(), 1)), 1),
        _lost(small, content & (distance < _SEEN_DISTANCE), int(content.sum())),
        soft,
        soft_box,
        seen_box,
        _share(weight, _outside_gamut(small)),
    )


def _small(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    times = min(_SIDE / max(height, width), 1.0)
    return resized(pixels, max(round(width * times), 1), max(round(height * times), 1))


def _share(weight: NDArray[np.float64], mask: Mask) -> float:
    total = weight.sum()
    return round(float(weight[mask].sum() / total), 4) if total else 0.0


def _soft(pixels: Pixels) -> tuple[float, tuple[float, float, float, float] | None]:
    """The share of half-transparent ink and its box; looked for in every so many pixels, as scaling would make some."""
    import cv2

    step = max(max(pixels.shape[:2]) // _SOFT_SIDE, 1)
    thinned = pixels[::step, ::step]
    # A line of one pixel is soft by smoothing, and no area.
    soft = cv2.morphologyEx(half_transparent(thinned).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    drawn = int(np.count_nonzero(thinned[:, :, 3] >= _SEEN_ALPHA))
    return round(int(np.count_nonzero(soft)) / max(drawn, 1), 4), _box(soft) if soft.any() else None


def _verdict(visible: float) -> Verdict:
    if visible < _BLANK_BELOW:
        return Verdict.BLANK
    return Verdict.WEAK if visible < _WEAK_BELOW else Verdict.PRINTABLE


def _apart(pixels: Pixels, fabric: Colour, mode: InkMode) -> NDArray[np.float32]:
    """The difference of the print from the bare fabric in each pixel, in CIELAB."""
    ink = printed(pixels, fabric, mode)
    amount = ink[:, :, 3:].astype(np.float32) / np.iinfo(np.uint8).max
    cloth = np.array(fabric.rgb, np.uint8)
    look = to_srgb(to_linear(ink[:, :, :3]) * amount + to_linear(cloth) * (1 - amount))
    apart: NDArray[np.float32] = lab(look) - lab(cloth[None, None])
    return apart


def _is_seen(colour: Colour, fabric: Colour, mode: InkMode) -> bool:
    apart = _apart(np.array([[colour]], np.uint8), fabric, mode)[0, 0]
    return bool(np.linalg.norm(apart) >= _SEEN_DISTANCE)


def _lost(pixels: Pixels, unseen: Mask, drawn: int) -> tuple[LostColour, ...]:
    """The most frequent colours among those that are not seen."""
    colours = pixels[unseen][:, :3]
    if not len(colours):
        return ()
    _, index, counts = np.unique(colours // _COARSE, axis=0, return_index=True, return_counts=True)
    most = np.argsort(-counts, kind="stable")[:_LOST_COLOURS]
    return tuple(
        LostColour(Colour(*(int(c) for c in colours[index[i]])), round(int(counts[i]) / drawn, 4)) for i in most
    )


def _outside_gamut(pixels: Pixels) -> Mask:
    """Tell which pixels come back visibly changed from print colours, by libvips' own profile of these."""
    import pyvips

    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels[:, :, :3]), interpretation="srgb")
    there = image.icc_transform("cmyk", input_profile="srgb", intent="relative")
    back = there.icc_transform("srgb", input_profile="cmyk", intent="relative").numpy()
    outside: Mask = np.linalg.norm(lab(back) - lab(pixels[:, :, :3]), axis=2) > _GAMUT_DISTANCE
    return outside


def _box(mask: Mask) -> tuple[float, float, float, float]:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    height, width = mask.shape
    left, top = round(float(columns[0] / width), 4), round(float(rows[0] / height), 4)
    return left, top, round(float((columns[-1] + 1) / width), 4), round(float((rows[-1] + 1) / height), 4)
