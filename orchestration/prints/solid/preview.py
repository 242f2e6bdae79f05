"""A picture that looks like the product: seen from above and in front, lit from the upper left.

The view is parallel, so every point (x, y, z) falls on (x, y cos t + z sin t), t being the tilt from straight above.
Storeys are painted from the bed up: the walls that face the viewer from back to front, then the roof. Keep out:
triangles; the picture is drawn from the same regions as the solid.
"""

from __future__ import annotations

import io
import math
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.prints.solid.terraces import families

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from orchestration.prints.solid.colours import Filaments, Rgb
    from orchestration.prints.solid.sections import Drawing
    from orchestration.prints.solid.terraces import Region

    Points = NDArray[np.float64]

WIDTH: Final = 640
HEIGHT: Final = 400
_OVERSAMPLING: Final = 2
_MARGIN: Final = 0.07
_TILT: Final = math.radians(33)
_LIGHT: Final = np.array([-0.743, -0.669])
"""Direction to the light in the plane, for walls: from the left and the front, of length 1."""
_WALL_LIGHT, _WALL_CONTRAST, _ROOF_LIGHT, _RIM_LIGHT, _GLOSS = 0.56, 0.26, 1.0, 1.18, 22.0
_SHADOW: Final = (18, 20, 28)
_REACH: Final = 4.0
"""How far, in mm, the shadow on the table reaches: its shift, and three times its blur."""
_LEAST_REACH: Final = 24.0
"""How far, in pixels, it reaches at least: it is drawn at a quarter of the size, where its blur is no less than one."""
_COMPRESSION: Final = 2
_NO_LENGTH: Final = 1e-12
_BACKDROP_TOP: Final = (250, 250, 251)
_BACKDROP_BOTTOM: Final = (226, 228, 232)


class _View(NamedTuple):
    """Millimetres to pixels."""

    scale: float
    left: float
    top: float

    def enlarged(self, times: float) -> _View:
        """Return the view of a picture so many times the size."""
        return _View(self.scale * times, self.left * times, self.top * times)

    def points(self, plane: Points, height: float) -> Points:
        """Project points (n, 2) in mm at a height to pixels."""
        x = plane[:, 0] * self.scale + self.left
        y = self.top - (plane[:, 1] * math.cos(_TILT) + height * math.sin(_TILT)) * self.scale
        return np.stack([x, y], axis=1)


class _Shadow(NamedTuple):
    """A soft shadow: blur and shift in mm, strength from 0 to 1."""

    blur: float
    shift: tuple[float, float]
    strength: float


_ON_THE_TABLE: Final = _Shadow(blur=0.9, shift=(0.7, -1.1), strength=0.42)
_ON_A_STOREY: Final = _Shadow(blur=0.45, shift=(0.35, -0.5), strength=0.5)


def write_preview(drawing: Drawing, filaments: Filaments) -> bytes:
    """Return a PNG, 640 x 400 pixels, of the product in its filament colours."""
    storeys = list(zip(drawing.blueprint.storeys, drawing.regions, strict=True))
    canvas = _Canvas(*_view(drawing), on_the_table=storeys[0][1])
    for level, (plan, region) in enumerate(storeys):
        colour = filaments.text.rgb if level == len(storeys) - 1 else filaments.body.rgb
        if level:
            canvas.shade(region, plan.bottom, storeys[level - 1][1])
        canvas.walls(region, plan.bottom, plan.top, colour)
        canvas.roof(region, plan.top, colour)
    return canvas.png()


def _view(drawing: Drawing) -> tuple[_View, tuple[int, int, int, int]]:
    """Centre the product, as large as the margin allows; return the view and the part of the picture it takes."""
    points = np.concatenate([region.points for region in drawing.regions])
    top = drawing.blueprint.storeys[-1].top
    left, right = points[:, 0].min(), points[:, 0].max()
    low = points[:, 1].min() * math.cos(_TILT)
    high = points[:, 1].max() * math.cos(_TILT) + top * math.sin(_TILT)
    room = 1 - 2 * _MARGIN
    across, along = right - left, high - low
    shadowed = min(WIDTH / (across + 2 * _REACH), HEIGHT / (along + 2 * _REACH))
    scale = float(min(WIDTH * room / across, HEIGHT * room / along, shadowed))
    x, y = float(WIDTH / 2 - (left + right) / 2 * scale), float(HEIGHT / 2 + (low + high) / 2 * scale)
    reach = max(_REACH * scale, _LEAST_REACH)
    box = (
        max(0, math.floor(left * scale + x - reach)),
        max(0, math.floor(y - high * scale - reach)),
        min(WIDTH, math.ceil(right * scale + x + reach)),
        min(HEIGHT, math.ceil(y - low * scale + reach)),
    )
    return _View(scale, x, y), box


@cache
def _backdrop() -> Image.Image:
    from PIL import Image

    size = WIDTH, HEIGHT
    column = Image.linear_gradient("L").resize(size)
    return Image.composite(Image.new("RGB", size, _BACKDROP_BOTTOM), Image.new("RGB", size, _BACKDROP_TOP), column)


class _Canvas:
    """The part of the picture that the product takes, drawn at twice the size, and where millimetres fall on it."""

    def __init__(self, view: _View, box: tuple[int, int, int, int], *, on_the_table: Region) -> None:
        from PIL import Image

        left, top, right, bottom = box
        size = (right - left) * _OVERSAMPLING, (bottom - top) * _OVERSAMPLING
        table = _backdrop().crop(box)
        view = _View(view.scale, view.left - left, view.top - top)
        table.paste(_SHADOW, (0, 0), _shadow_mask(table.size, on_the_table, view, 0.0, _ON_THE_TABLE))
        self._box = box
        self._image = table.resize(size, Image.Resampling.NEAREST)
        self._view = view.enlarged(_OVERSAMPLING)

    def png(self) -> bytes:
        """Return the finished picture."""
        picture = _backdrop().copy()
        picture.paste(self._image.reduce(_OVERSAMPLING), self._box[:2])
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", compress_level=_COMPRESSION)
        return buffer.getvalue()

    def shade(self, region: Region, height: float, onto: Region) -> None:
        """Darken the roof `onto` around the region that stands on it."""
        from PIL import ImageChops

        mask = _shadow_mask(self._image.size, region, self._view, height, _ON_A_STOREY)
        mask = ImageChops.multiply(mask, _mask(self._image.size, onto, self._view, height))
        self._image.paste(_SHADOW, (0, 0), mask)

    def walls(self, region: Region, bottom: float, top: float, colour: Rgb) -> None:
        """Paint the walls that face the viewer, from back to front."""
        from PIL import ImageDraw

        start, end = region.points, region.points[region.following]
        edge = end - start
        length = np.maximum(np.hypot(edge[:, 0], edge[:, 1]), _NO_LENGTH)
        normal = np.stack([edge[:, 1], -edge[:, 0]], axis=1) / length[:, None]
        facing = np.flatnonzero(normal[:, 1] < 0)
        facing = facing[np.argsort(-np.minimum(start[facing, 1], end[facing, 1]))]
        lit = _WALL_LIGHT + _WALL_CONTRAST * np.clip(normal[facing] @ _LIGHT, -0.6, 1)
        corners = [
            self._view.points(points[facing], height)
            for points, height in ((start, bottom), (end, bottom), (end, top), (start, top))
        ]
        draw = ImageDraw.Draw(self._image)
        for quad, fill in zip(np.concatenate(corners, axis=1).tolist(), _shades(colour, lit), strict=True):
            draw.polygon(quad, fill=fill, outline=fill)

    def roof(self, region: Region, height: float, colour: Rgb) -> None:
        """Paint the roof, and the thin bright line with which its rounded rim catches the light."""
        from PIL import ImageDraw

        roof, rim = _shades(colour, np.array([_ROOF_LIGHT, _RIM_LIGHT]))
        draw = ImageDraw.Draw(self._image)
        rings = [self._view.points(ring, height) for ring in region.rings()]
        for outer, *holes in families(region):
            if holes:
                self._fill_around(rings[outer], [rings[hole] for hole in holes], roof)
            else:
                draw.polygon(rings[outer].ravel().tolist(), fill=roof)
        for ring in rings:
            draw.line([*ring.ravel().tolist(), *ring[0].tolist()], fill=rim, width=_OVERSAMPLING)

    def _fill_around(self, outer: Points, holes: list[Points], fill: tuple[int, int, int]) -> None:
        """Fill a ring but for its holes, on the part of the picture that it takes alone."""
        from PIL import Image, ImageDraw

        corner = np.floor(outer.min(axis=0))
        width, depth = (np.ceil(outer.max(axis=0)) - corner + 1).astype(int).tolist()
        mask = Image.new("L", (width, depth), 0)
        draw = ImageDraw.Draw(mask)
        draw.polygon((outer - corner).ravel().tolist(), fill=255)
        for hole in holes:
            draw.polygon((hole - corner).ravel().tolist(), fill=0)
        left, top = corner.astype(int).tolist()
        self._image.paste(fill, (left, top, left + width, top + depth), mask)


def _shadow_mask(size: tuple[int, int], region: Region, view: _View, height: float, shadow: _Shadow) -> Image.Image:
    """Draw the shadow that a region throws at a height. It has no detail, so a quarter of the size is enough."""
    from PIL import Image, ImageFilter

    quarter = max(1, size[0] // 4), max(1, size[1] // 4)
    small = view.enlarged(1 / 4)
    mask = _mask(quarter, region, small, height, shadow.shift)
    mask = mask.filter(ImageFilter.GaussianBlur(max(1.0, shadow.blur * small.scale)))
    mask = mask.point([round(value * shadow.strength) for value in range(256)])
    return mask.resize(size, Image.Resampling.BILINEAR)


def _mask(
    size: tuple[int, int], region: Region, view: _View, height: float, shift: tuple[float, float] = (0.0, 0.0)
) -> Image.Image:
    """Draw a region as white on black; the largest ring first, so that a hole is drawn after what it lies in."""
    from PIL import Image, ImageDraw

    mask = Image.new("L", size, 0)
    draw = ImageDraw.Draw(mask)
    areas = region.areas
    rings = list(region.rings())
    for ring in np.argsort(-np.abs(areas)).tolist():
        points = view.points(rings[ring] + np.array(shift), height)
        draw.polygon(points.ravel().tolist(), fill=255 if areas[ring] > 0 else 0)
    return mask


def _shades(colour: Rgb, light: NDArray[np.float64]) -> list[tuple[int, int, int]]:
    """Return a colour under each amount of light; dark plastic still shows its edges, by a little gloss."""
    gloss = (light[:, None] - 0.5) * _GLOSS
    lit = np.clip(np.array(colour, dtype=float) * light[:, None] + gloss, 0, 255).astype(int)
    return [(red, green, blue) for red, green, blue in lit.tolist()]
