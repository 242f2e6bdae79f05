"""The drawing sheet: parts laid over each other, each a stencil with its shading and its paint.

Cutting antialiased stencils, laying parts, and painting the finished sheet in a variant's colours. Keep out: what a
product looks like (`drinkware.py`, `bags.py`, `garments.py`, ...). A sheet is drawn once for a view and painted once
for each colour.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from orchestration.demo.drawing.light import Puffed, Stencil
from orchestration.demo.drawing.paint import SHADE, SHINE, tinted, tints

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

    from orchestration.demo.drawing.camera import Camera
    from orchestration.demo.drawing.light import Box, Light
    from orchestration.demo.drawing.outlines import Outline
    from orchestration.demo.drawing.paint import Inks, Paint

# Drawn larger, then averaged down: ten levels of coverage along an edge.
OVERSAMPLING = 3


class Part(NamedTuple):
    """One thing to paint: coverage, colour, and its shading (none = plain colour)."""

    stencil: Stencil
    paint: Paint
    shade: Image | None


class Sheet:
    """What one view of a product consists of, from back to front."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self.parts: list[Part] = []

    def lay(self, outline: Outline, paint: Paint, light: Light | None = None) -> Part:
        """Lay a shaded part (puffed cloth by default) over what is there."""
        stencil = self._cut([outline])
        return self._add(Part(stencil, paint, (light or Puffed())(stencil, self.camera)))

    def inlay(self, outlines: Iterable[Outline], paint: Paint, onto: Part) -> Part:
        """Give pieces of a part another colour: clipped to it, and shaded as it is."""
        stencil = self._cut(outlines)
        shade = onto.shade and _seen_through(stencil.box, onto.shade, onto)
        return self._add(Part(_clipped(stencil, onto), paint, shade))

    def glaze(self, outlines: Iterable[Outline], paint: Paint, onto: Part, *, strength: float) -> None:
        """Lay a thin plain coat over pieces of a part: ribs, grooves."""
        stencil = _clipped(self._cut(outlines), onto)
        self._add(Part(Stencil(stencil.box, _faded(stencil.mask, strength)), paint, None))

    def stamp(self, outlines: Iterable[Outline], paint: Paint, *, strength: float = 1.0) -> None:
        """Print outlines in a plain colour."""
        stencil = self._cut(outlines)
        self._add(Part(Stencil(stencil.box, _faded(stencil.mask, strength)), paint, None))

    def stroke(
        self,
        path: Outline,
        width: float,
        paint: Paint,
        *,
        strength: float = 1.0,
        soft: float = 0.0,
        onto: Part | None = None,
    ) -> None:
        """Draw a line of a plain colour; `soft` blurs it, in design units; `onto` clips it to a part."""
        stencil = self._pulled([path], width, strength, soft)
        self._add(Part(_clipped(stencil, onto) if onto else stencil, paint, None))

    def crease(self, path: Outline, onto: Part, *, width: float = 18.0, strength: float = 0.15) -> None:
        """A fold in cloth: a soft dark line with a lit ridge beside it, away from the lamp."""
        self.stroke(path, width, SHADE, strength=strength, soft=width * 0.5, onto=onto)
        ridge = [(x + width * 0.9, y + width * 0.5) for x, y in path]
        self.stroke(ridge, width * 0.7, SHINE, strength=strength * 0.6, soft=width * 0.45, onto=onto)

    def seam(self, path: Outline, *, strength: float = 0.35) -> None:
        """A stitched seam: a thin dark line and its light edge."""
        self.stroke(path, 2.6, SHADE, strength=strength, soft=0.6)
        self.stroke([(x + 2.6, y + 1.6) for x, y in path], 1.8, SHINE, strength=strength * 0.4, soft=0.6)

    def stitches(self, path: Outline, paint: Paint, *, dash: float = 9.0) -> None:
        """A dashed line along a path."""
        self._add(Part(self._pulled(_dashes(path, dash), 2.4, 0.75, 0), paint, None))

    def shadow(self, outline: Outline, *, blur: float = 18.0, strength: float = 0.4) -> None:
        """A soft dark patch below what is laid next."""
        self._add(Part(self._softened(self._cut([outline], blur), blur, strength), SHADE, None))

    def shine(self, outline: Outline, *, blur: float = 8.0, strength: float = 0.5) -> None:
        """A soft light patch over what is there: a reflection."""
        self._add(Part(self._softened(self._cut([outline], blur), blur, strength), SHINE, None))

    def painted(self, backdrop: Image, inks: Inks) -> Image:
        """The sheet in its colours over a copy of the backdrop, mode RGB."""
        canvas = backdrop.copy()
        colours = {paint: inks.of(paint) for paint in {part.paint for part in self.parts}}
        palettes = {paint: tints(colour) for paint, colour in colours.items()}
        for part in self.parts:
            fill = tinted(part.shade, palettes[part.paint]) if part.shade else colours[part.paint]
            canvas.paste(fill, part.stencil.box, part.stencil.mask)
        return canvas

    def _add(self, part: Part) -> Part:
        """Keep what of a part lies in the picture, and give back the whole for others to be laid onto."""
        left, top, right, bottom = part.stencil.box
        edge = self.camera.size
        box = (max(0, left), max(0, top), min(edge, right), min(edge, bottom))
        if box[0] < box[2] and box[1] < box[3]:
            shade = part.shade and _seen_through(box, part.shade, part)
            self.parts.append(Part(Stencil(box, _seen_through(box, part.stencil.mask, part)), part.paint, shade))
        return part

    def _cut(self, outlines: Iterable[Outline], margin: float = 0.0) -> Stencil:
        placed = [self.camera.place(outline) for outline in outlines]
        box = _box(placed, 2 + 2.5 * margin * self.camera.scale)
        large, pen = _canvas(box)
        for outline in placed:
            pen.polygon(_enlarged(outline, box), fill=255)
        return Stencil(box, large.reduce(OVERSAMPLING))

    def _pulled(self, paths: Iterable[Outline], width: float, strength: float, soft: float) -> Stencil:
        placed = [self.camera.place(path) for path in paths]
        box = _box(placed, 3 + (width + 3 * soft) * self.camera.scale)
        large, pen = _canvas(box)
        thickness = max(1, round(width * self.camera.scale * OVERSAMPLING))
        for path in placed:
            _draw_line(pen, _enlarged(path, box), thickness)
        return self._softened(Stencil(box, large.reduce(OVERSAMPLING)), soft, strength)

    def _softened(self, stencil: Stencil, blur: float, strength: float) -> Stencil:
        mask = _blurred(stencil.mask, blur * self.camera.scale) if blur else stencil.mask
        return Stencil(stencil.box, _faded(mask, strength))


def _blurred(mask: Image, radius: float) -> Image:
    """The mask with a Gaussian blur; a wide one is worked out on fewer pixels, which looks the same."""
    from PIL import Image, ImageFilter

    step = max(1, min(4, int(radius / 1.5)))
    coarse = mask.reduce(step).filter(ImageFilter.GaussianBlur(radius / step))
    whole = coarse.resize((coarse.width * step, coarse.height * step), Image.Resampling.BILINEAR)
    return whole.crop((0, 0, *mask.size))


def _box(outlines: Iterable[Outline], margin: float) -> Box:
    xs, ys = zip(*(point for outline in outlines for point in outline), strict=True)
    left, top = math.floor(min(xs) - margin), math.floor(min(ys) - margin)
    return left, top, math.ceil(max(xs) + margin), math.ceil(max(ys) + margin)


def _canvas(box: Box) -> tuple[Image, ImageDraw]:
    from PIL import Image, ImageDraw

    canvas = Image.new("L", ((box[2] - box[0]) * OVERSAMPLING, (box[3] - box[1]) * OVERSAMPLING))
    return canvas, ImageDraw.Draw(canvas)


def _draw_line(pen: ImageDraw, points: Outline, thickness: int) -> None:
    pen.line(points, fill=255, width=thickness, joint="curve")
    half = thickness / 2 - 0.5
    for x, y in (points[0], points[-1]):
        pen.ellipse((x - half, y - half, x + half, y + half), fill=255)


def _enlarged(points: Outline, box: Box) -> Outline:
    return [((x - box[0]) * OVERSAMPLING, (y - box[1]) * OVERSAMPLING) for x, y in points]


def _faded(mask: Image, strength: float) -> Image:
    return mask if strength >= 1 else mask.point([round(v * strength) for v in range(256)])


def _clipped(stencil: Stencil, onto: Part) -> Stencil:
    from PIL import ImageChops

    clip = _seen_through(stencil.box, onto.stencil.mask, onto)
    return Stencil(stencil.box, ImageChops.multiply(stencil.mask, clip))


def _seen_through(box: Box, layer: Image, part: Part) -> Image:
    """What of a part's layer lies in a box of the sheet."""
    left, top = part.stencil.box[:2]
    return layer.crop((box[0] - left, box[1] - top, box[2] - left, box[3] - top))


def _dashes(path: Outline, dash: float) -> Iterable[Outline]:
    for (x0, y0), (x1, y1) in pairwise(path):
        count = max(1, round(math.hypot(x1 - x0, y1 - y0) / dash))
        for i in range(0, count, 2):
            a, b = i / count, min(1.0, (i + 1) / count)
            yield [(x0 + (x1 - x0) * a, y0 + (y1 - y0) * a), (x0 + (x1 - x0) * b, y0 + (y1 - y0) * b)]
