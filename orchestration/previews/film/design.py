"""The design: colours, type scale, margins, and where things stand on a page.

Figures and boxes, in pixels of the frame. Keep out: texts (`typesetting`), and time (`timeline`).

All lengths are multiples of a unit, a 720th of the frame's shorter side, so that a design fits every size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from orchestration.lettering.fonts import BOLD, REGULAR, FontSpec

if TYPE_CHECKING:
    from orchestration.previews.payload.model import Options

Colour = tuple[int, int, int]

HEADING: Final = (FontSpec("BarlowSemiCondensed-SemiBold.ttf"), FontSpec("NotoSans[wdth,wght].ttf", BOLD))
BODY: Final = (FontSpec("NotoSans[wdth,wght].ttf", REGULAR), FontSpec("NotoSans-Regular.ttf"))
_BASE_SIDE = 720
_WIDE = 1.15
"""From this ratio of the sides on, a picture stands beside the text; below it, above the text."""
# A type scale of ratio 1.2: what does not fit goes down a step, and never below the last.
TITLE_SCALE: Final = (88.0, 74.0, 62.0, 52.0, 43.0, 36.0, 30.0, 25.0, 21.0)
HEADING_SCALE: Final = (54.0, 45.0, 38.0, 32.0, 27.0, 22.0, 19.0)
BODY_SCALE: Final = (32.0, 27.0, 23.0)
BODY_ALONE_SCALE: Final = (40.0, 34.0, 28.0, 24.0)
CAPTION_SCALE: Final = (28.0, 24.0, 20.0, 17.0)
SMALL: Final = 22.0


class Box(NamedTuple):
    """A rectangle in whole pixels; y grows downwards."""

    x: int
    y: int
    width: int
    height: int


class Palette(NamedTuple):
    """The colours of a theme: the background runs from `top` to `bottom`."""

    top: Colour
    bottom: Colour
    text: Colour
    muted: Colour
    accent: Colour
    track: Colour
    card: Colour


_PALETTES: Final = {
    "dark": Palette(
        (24, 30, 48), (11, 14, 24), (246, 247, 250), (176, 184, 202), (255, 176, 66), (52, 60, 82), (37, 44, 66)
    ),
    "light": Palette(
        (252, 250, 246), (236, 231, 222), (28, 32, 44), (92, 98, 116), (212, 84, 38), (212, 206, 196), (226, 220, 210)
    ),
}


@dataclass(frozen=True, slots=True)
class Design:
    """The design of one film: `width` and `height` of the coded frame, which are even."""

    width: int
    height: int
    palette: Palette
    has_captions: bool

    @property
    def unit(self) -> float:
        """A 720th of the shorter side, in pixels."""
        return min(self.width, self.height) / _BASE_SIDE

    def px(self, units: float) -> int:
        """A length in units, in whole pixels, at least 1."""
        return max(1, round(units * self.unit))

    @property
    def margin(self) -> int:
        """What is kept free on all sides."""
        return self.px(64)

    @property
    def is_wide(self) -> bool:
        """Whether a picture stands beside the text."""
        return self.width >= _WIDE * self.height

    @property
    def content(self) -> Box:
        """The room between the margins, the captions and the bar of steps."""
        below = self.px(34) + (self.px(112) if self.has_captions else 0)
        return Box(
            self.margin, self.margin, self.width - 2 * self.margin, max(1, self.height - 2 * self.margin - below)
        )

    @property
    def caption(self) -> Box:
        """The room of the captions."""
        height = self.px(104)
        return Box(self.margin, self.height - self.margin - self.px(26) - height, self.width - 2 * self.margin, height)

    @property
    def bar(self) -> Box:
        """The bar that shows how far the film is."""
        height = self.px(6)
        return Box(self.margin, self.height - self.margin + self.px(4), self.width - 2 * self.margin, height)

    def columns(self, *, has_text: bool, has_picture: bool) -> tuple[Box, Box]:
        """The rooms of the text and of the picture; what is missing leaves its room to the other."""
        content = self.content
        if not (has_text and has_picture):
            return content, content
        gap = self.px(56)
        if self.is_wide:
            text = round((content.width - gap) * 0.46)
            picture = content.width - gap - text
            return (
                Box(content.x, content.y, text, content.height),
                Box(content.x + text + gap, content.y, picture, content.height),
            )
        picture = round((content.height - gap) * 0.52)
        return (
            Box(content.x, content.y + picture + gap, content.width, content.height - gap - picture),
            Box(content.x, content.y, content.width, picture),
        )


def design_of(options: Options) -> Design:
    """The design that the options ask for; odd sides are padded by one pixel, as video is coded by twos."""
    width, height = options.size
    is_burned_in = options.include_captions and options.caption_format == "burned-in"
    palette = palette_of(options.theme, options.accent)
    return Design(width + width % 2, height + height % 2, palette, is_burned_in)


def palette_of(theme: Literal["dark", "light"], accent: str | None) -> Palette:
    """A theme's colours, with the brand's accent (`#rrggbb`) if there is one."""
    palette = _PALETTES[theme]
    if accent is None:
        return palette
    red, green, blue = bytes.fromhex(accent.removeprefix("#"))
    return palette._replace(accent=(red, green, blue))
