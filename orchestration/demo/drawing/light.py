"""How a surface takes the light: from the stencil of a part to its shading.

Lights, each a callable that gives a grey picture as large as the stencil, where 128 is the plain colour,
less is shade and more is shine. Keep out: colours (`paint.py`) and outlines (`outlines.py`). The lamp stands at the
upper left.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from PIL.Image import Image

    from orchestration.demo.drawing.camera import Camera
    from orchestration.demo.drawing.outlines import Point

Box = tuple[int, int, int, int]

PLAIN = 128
# Soft light has no detail, so it is worked out on a quarter of the pixels each way.
COARSE = 4
# The grey profile across a turned solid reaches a little past its edge, for the half-covered edge pixels.
PROFILE_REACH = 1.3
PROFILE_WIDTH = 256
# Height of the slices that follow a turned solid's changing radius, in pixels.
SLICE = 6


class Stencil(NamedTuple):
    """A part's coverage (mode L) and where it stands on the sheet, in pixels."""

    box: Box
    mask: Image


class Light(Protocol):
    """What shades a part."""

    def __call__(self, stencil: Stencil, camera: Camera) -> Image:
        """The shading, mode L, of the stencil's size."""


@dataclass(frozen=True, slots=True)
class Flat:
    """The same grey all over."""

    level: int = PLAIN

    def __call__(self, stencil: Stencil, camera: Camera) -> Image:  # noqa: ARG002 - the light interface
        """One grey."""
        from PIL import Image

        return Image.new("L", stencil.mask.size, self.level)


@dataclass(frozen=True, slots=True)
class Sloped:
    """A straight ramp from one design point to another, for flat faces."""

    start: Point
    end: Point
    from_level: int = 146
    to_level: int = 108

    def __call__(self, stencil: Stencil, camera: Camera) -> Image:
        """The ramp, level beyond its ends."""
        from PIL import Image

        (x0, y0), (x1, y1) = camera.place([self.start, self.end])
        length = math.hypot(x1 - x0, y1 - y0)
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        step = 255 / length
        left, top = stencil.box[:2]
        offset = ((left - x0) * ux + (top - y0) * uy) * step
        ramp = Image.linear_gradient("L").rotate(90)
        placed = ramp.transform(
            stencil.mask.size,
            Image.Transform.AFFINE,
            (ux * step, uy * step, offset, 0, 0, 128),
            Image.Resampling.BILINEAR,
        )
        levels = [round(self.from_level + (self.to_level - self.from_level) * v / 255) for v in range(256)]
        return placed.point(levels)


@dataclass(frozen=True, slots=True)
class Puffed:
    """Cloth or another soft body: bright where it turns to the lamp, darker at the far edge and towards the floor.

    `depth` is how far the rounding reaches in from the edge, in design units; `strength` scales the contrast.
    """

    depth: float = 60.0
    strength: float = 1.0
    fall: float = 22.0
    grain: int = 3

    def __call__(self, stencil: Stencil, camera: Camera) -> Image:
        """The slope of the blurred stencil towards the lamp, wide and narrow, with the far edges darkened."""
        from PIL import Image, ImageChops

        width, height = stencil.mask.size
        radius = max(2.0, self.depth * camera.scale / COARSE)
        margin = math.ceil(2 * radius) + 2
        coarse = stencil.mask.resize((-(-width // COARSE), -(-height // COARSE)), Image.Resampling.BOX)
        ground = Image.new("L", (coarse.width + 2 * margin, coarse.height + 2 * margin))
        ground.paste(coarse, (margin, margin))
        shade = ImageChops.add(
            _relief(ground, radius, 58 * self.strength), _relief(ground, radius / 4, 26 * self.strength), 1, -PLAIN
        )
        shade = ImageChops.add(shade, self._falling(shade.size), 1, -PLAIN)
        inner = shade.crop((margin, margin, margin + coarse.width, margin + coarse.height))
        lit = inner.resize((width, height), Image.Resampling.BICUBIC)
        return ImageChops.add(lit, woven(lit.size, self.grain), 1, -PLAIN)

    def _falling(self, size: tuple[int, int]) -> Image:
        from PIL import Image

        levels = [round(PLAIN + self.fall * (0.5 - v / 255)) for v in range(256)]
        return Image.linear_gradient("L").resize(size).point(levels)


def woven(size: tuple[int, int], grain: int) -> Image:
    """A fine weave about PLAIN, `grain` greys up and down: it makes cloth of a smooth surface and hides banding."""
    from PIL import Image

    side = 192
    noise = hashlib.shake_128(b"weave").digest(side * side)
    spread = bytes(round(PLAIN + grain * (v / 127.5 - 1)) for v in range(256))
    tile = Image.frombytes("L", (side, side), noise.translate(spread))
    cloth = Image.new("L", size)
    for top in range(0, size[1], side):
        for left in range(0, size[0], side):
            cloth.paste(tile, (left, top))
    return cloth


def _relief(ground: Image, radius: float, contrast: float) -> Image:
    from PIL import ImageChops, ImageFilter

    height = ground.filter(ImageFilter.GaussianBlur(radius))
    shift = max(1, round(radius * 0.6))
    towards, away = ImageChops.offset(height, -shift, -shift), ImageChops.offset(height, shift, shift)
    slope = ImageChops.subtract(towards, away, 255 / contrast, PLAIN)
    rim = height.point([round(PLAIN - contrast * 0.35 * (1 - v / 255) ** 2) for v in range(256)])
    return ImageChops.add(slope, rim, 1, -PLAIN)


class Finish(Enum):
    """The surface of a turned solid: how wide and how hard the lamp's reflection is."""

    MATT = (0.0, 0.3)
    SATIN = (46.0, 0.17)
    GLOSS = (100.0, 0.085)
    METAL = (84.0, 0.13)

    def profile(self) -> bytes:
        """Greys across the solid, from -PROFILE_REACH to PROFILE_REACH of its radius."""
        reach = [PROFILE_REACH * (2 * i / (PROFILE_WIDTH - 1) - 1) for i in range(PROFILE_WIDTH)]
        return bytes(max(0, min(255, round(self._grey(u)))) for u in reach)

    def _grey(self, u: float) -> float:
        shine, width = self.value
        u = max(-1.0, min(1.0, u))
        facing = -0.5 * u + 0.87 * math.sqrt(1 - u * u)
        grey = 48 + 96 * max(0.0, facing)
        grey += shine * math.exp(-(((u + 0.52) / width) ** 2))
        # The light wall on the far side mirrors as a faint strip just inside the edge.
        grey += (16 + 0.2 * shine) * math.exp(-(((u - 0.86) / 0.08) ** 2))
        if self is Finish.METAL:
            grey += 44 * math.exp(-(((u - 0.42) / 0.2) ** 2)) - 52 * math.exp(-(((u + 0.05) / 0.16) ** 2))
        return grey


@dataclass(frozen=True, slots=True)
class Turned:
    """A solid of revolution about an upright axis: one profile, stretched to the radius at each height.

    `profile` is (radius, y) from top to bottom in design units, as for `outlines.turned`.
    """

    axis: float
    profile: tuple[Point, ...]
    finish: Finish = Finish.SATIN

    def __call__(self, stencil: Stencil, camera: Camera) -> Image:
        """The upright shading, turned with the camera."""
        upright = self._upright(camera.scale)
        (x, y), *_ = camera.place([(self.axis, (self.profile[0][1] + self.profile[-1][1]) / 2)])
        return _centred(upright, camera.turn, (x - stencil.box[0], y - stencil.box[1]), stencil.mask.size)

    def _upright(self, scale: float) -> Image:
        from PIL import Image

        widest = max(r for r, _ in self.profile)
        top, bottom = self.profile[0][1], self.profile[-1][1]
        overhang = 0.3 * widest
        half = math.ceil(widest * scale * 1.15)
        height = math.ceil((bottom - top + 2 * overhang) * scale)
        mesh = [
            ((0, y, 2 * half, y + SLICE), self._source(half / scale, top - overhang + y / scale, SLICE / scale))
            for y in range(0, height, SLICE)
        ]
        strip = Image.frombytes("L", (PROFILE_WIDTH, 1), self.finish.profile()).resize((PROFILE_WIDTH, 3))
        return strip.transform((2 * half, height), Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)

    def _source(self, half: float, y: float, slice_height: float) -> tuple[float, ...]:
        middle = PROFILE_WIDTH / 2
        upper, lower = (half / self._radius(at) / PROFILE_REACH * middle for at in (y, y + slice_height))
        return (middle - upper, 0.6, middle - lower, 2.4, middle + lower, 2.4, middle + upper, 0.6)

    def _radius(self, y: float) -> float:
        before = self.profile[0]
        for after in self.profile:
            if y <= after[1]:
                span = after[1] - before[1]
                share = (y - before[1]) / span if span > 0 and y > before[1] else 0.0
                return max(1.0, before[0] + (after[0] - before[0]) * share)
            before = after
        return max(1.0, before[0])


def _centred(shade: Image, turn: float, at: Point, size: tuple[int, int]) -> Image:
    from PIL import Image

    if turn:
        shade = shade.rotate(-turn, Image.Resampling.BICUBIC, expand=True, fillcolor=PLAIN // 2)
    canvas = Image.new("L", size, PLAIN // 2)
    canvas.paste(shade, (round(at[0] - shade.width / 2), round(at[1] - shade.height / 2)))
    return canvas
