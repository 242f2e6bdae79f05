"""Colours of a drawing: roles that a variant fills in, fixed materials, and how a colour takes shading.

Paints, inks and the tint of a shaded part. Keep out: shapes, and the colours of the assortment with
their names, which are `palette.py`.
"""

from __future__ import annotations

import math
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from PIL.Image import Image

RGB = tuple[int, int, int]

# No real surface is pure black or pure white: room for folds below, for shine above.
DARKEST, LIGHTEST = 16, 246
NEUTRAL = 128


class Role(Enum):
    """A colour that depends on the variant."""

    BODY = "body"
    TRIM = "trim"
    PRINT = "print"


Paint = Role | RGB

STEEL: RGB = (196, 199, 203)
DARK_STEEL: RGB = (112, 116, 122)
WHITE: RGB = (246, 245, 242)
CREAM: RGB = (240, 232, 214)
BLACK: RGB = (38, 38, 42)
BAMBOO: RGB = (214, 176, 124)
SHADE: RGB = (28, 26, 34)
SHINE: RGB = (255, 255, 255)


class Inks(NamedTuple):
    """The colours of one picture, by role."""

    body: RGB
    trim: RGB
    print: RGB

    def of(self, paint: Paint) -> RGB:
        """The colour that a paint stands for here."""
        match paint:
            case Role.BODY:
                return self.body
            case Role.TRIM:
                return self.trim
            case Role.PRINT:
                return self.print
            case _:
                return paint


def rgb(hex_colour: str) -> RGB:
    """`1B2A49` as three bytes."""
    red, green, blue = bytes.fromhex(hex_colour)
    return red, green, blue


def inks(body: str, trim: str | None) -> Inks:
    """The inks for a hex colour: the trim is a darker tone unless given, the print is what stands out."""
    base = _within_gamut(rgb(body))
    own_trim = _mixed(base, SHADE, 0.38) if luminance(base) > 70 else _mixed(base, WHITE, 0.22)  # noqa: PLR2004
    light_print, dark_print = (250, 250, 248), (44, 46, 54)
    return Inks(
        body=base,
        trim=_within_gamut(rgb(trim)) if trim else own_trim,
        print=dark_print if luminance(base) > 150 else light_print,  # noqa: PLR2004 - mid grey, by eye
    )


def luminance(colour: RGB) -> float:
    """Perceived lightness, 0 to 255 (weights of ITU-R BT.709)."""
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]


@lru_cache(maxsize=256)
def tints(colour: RGB) -> bytes:
    """A colour under every light as a palette of 256 RGB entries: 128 is the colour, 0 deep shade, 255 shine."""
    return bytes(_lit(channel, grey) for grey in range(256) for channel in colour)


def tinted(shade: Image, palette: bytes) -> Image:
    """A grey shading in the tints of a colour, mode RGB."""
    coloured = shade.copy()
    coloured.putpalette(palette)
    return coloured.convert("RGB")


def _lit(channel: int, grey: int) -> int:
    if grey <= NEUTRAL:
        return round(channel * (0.16 + 0.84 * grey / NEUTRAL))
    shine = (grey - NEUTRAL) / (255 - NEUTRAL)
    return round(channel + (255 - channel) * math.pow(shine, 1.15))


def _within_gamut(colour: RGB) -> RGB:
    red, green, blue = (round(DARKEST + c * (LIGHTEST - DARKEST) / 255) for c in colour)
    return red, green, blue


def _mixed(colour: RGB, other: RGB, share: float) -> RGB:
    red, green, blue = (round(c + (o - c) * share) for c, o in zip(colour, other, strict=True))
    return red, green, blue
