"""A product that was rendered once on black, grey and white cloth, and is painted in any colour from these.

Reading the renderings and mixing them. Keep out: rendering (`__main__`), and products that are drawn
(`orchestration.demo.drawing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from orchestration.errors import ConfigurationError

if TYPE_CHECKING:
    from PIL.Image import Image

    from orchestration.demo.drawing.paint import RGB, Inks

DATA: Final = Path(__file__).parent / "data"
SIDE: Final = 800
"""Pixels each way of a rendering; a file holds several side by side."""
PRINT, BASE = "print", "base"
_MIDDLE: Final = 128
_SHADOW_AT, _SHADOW_BLUR, _SHADOW_STRENGTH = (0.018, 0.026), 0.02, 0.3


class Rendering(NamedTuple):
    """Grey pictures of black, grey and white cloth, and the share of each pixel that is covered."""

    black: Image
    grey: Image
    white: Image
    covered: Image


@dataclass(frozen=True, slots=True)
class RenderedGarment:
    """A garment of the mockups; a `two_tone` one has its base in the trim colour."""

    template_id: str
    two_tone: bool = False

    def painted(self, view: str, wall: Image, colours: Inks, *, is_printed: bool) -> Image:
        """The garment before a wall, as large as the wall. Raises `ConfigurationError` for a view that has no file."""
        size = wall.width
        rendering = Rendering(*_panels(f"{self.template_id}_{view}", size))
        picture = _in_colour(rendering, colours.body)
        if self.two_tone:
            picture.paste(_in_colour(rendering, colours.trim), mask=_mask(f"{self.template_id}_{view}_{BASE}", size))
        if is_printed:
            picture.paste(_in_colour(rendering, colours.print), mask=_mask(f"{self.template_id}_{view}_{PRINT}", size))
        scene = _with_shadow(wall, rendering.covered)
        scene.paste(picture, mask=rendering.covered)
        return scene


def _in_colour(rendering: Rendering, colour: RGB) -> Image:
    """Each channel lies between the renderings of the two greys next to it."""
    from PIL import Image

    channels = []
    for code in colour:
        if code < _MIDDLE:
            channels.append(Image.blend(rendering.black, rendering.grey, code / _MIDDLE))
        else:
            channels.append(Image.blend(rendering.grey, rendering.white, (code - _MIDDLE) / (255 - _MIDDLE)))
    return Image.merge("RGB", channels)


def _with_shadow(wall: Image, covered: Image) -> Image:
    """The wall with a soft shadow of the garment."""
    from PIL import Image, ImageFilter

    size = wall.width
    moved = Image.new("L", wall.size)
    moved.paste(covered, (round(size * _SHADOW_AT[0]), round(size * _SHADOW_AT[1])))
    soft = moved.filter(ImageFilter.GaussianBlur(size * _SHADOW_BLUR))
    soft = soft.point([round(share * _SHADOW_STRENGTH) for share in range(256)])
    scene = wall.copy()
    scene.paste((28, 26, 34), mask=soft)
    return scene


def _mask(name: str, size: int) -> Image:
    return _panels(name, size)[0]


@lru_cache(maxsize=32)
def _panels(name: str, size: int) -> tuple[Image, ...]:
    """The square pictures of a file, side by side in it, at `size` pixels each way."""
    from PIL import Image

    path = DATA / f"{name}.webp"
    if not path.exists():
        raise ConfigurationError(f"the sample picture {path.name} is missing; run `make pictures`")
    with Image.open(path) as strip:
        grey = strip.convert("L")
    boxes = [(left, 0, left + SIDE, SIDE) for left in range(0, grey.width, SIDE)]
    return tuple(grey.resize((size, size), Image.Resampling.BOX, box=box) for box in boxes)
