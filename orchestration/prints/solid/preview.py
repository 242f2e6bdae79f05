"""A picture that looks like the product: seen from above and in front, lit from the upper left.

The view is parallel, so every point (x, y, z) falls on (x, y cos t + z sin t), t being the tilt from straight above.
Storeys are painted from the bed up: the walls that face the viewer from back to front, then the roof. Keep out:
triangles; the picture is drawn from the same regions as the solid.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orchestration.prints.solid.colours import Filaments, Rgb
    from orchestration.prints.solid.sections import Drawing
    from orchestration.prints.solid.terraces import Region

    Points = NDArray[np.float64]
    Pixels = NDArray[np.uint8]
    """An image of shape (height, width, 3), blue first, or a mask of shape (height, width)."""
    Places = NDArray[np.int32]
    """Points (n, 2) on a picture, in parts of pixels."""

STYLE: Final = "2"
"""Changes with the look of the pictures, so that products with older ones are not taken for the same."""
WIDTH: Final = 640
HEIGHT: Final = 400
_MARGIN: Final = 0.07
_TILT: Final = math.radians(33)
_LIGHT: Final = np.array([-0.743, -0.669])
"""Direction to the light in the plane, for walls: from the left and the front, of length 1."""
# Of the rims, those that lie in the shadow of a storey above are drawn darker than their roofs.
_WALL_LIGHT, _WALL_CONTRAST, _ROOF_LIGHT, _RIM_LIGHT, _SHADED_RIM_LIGHT, _GLOSS = 0.56, 0.26, 1.0, 1.18, 0.96, 22.0
_SHADOW: Final = np.array([28, 20, 18], np.float32)
_REACH: Final = 4.0
"""How far, in mm, the shadow on the table reaches: its shift, and three times its blur."""
_COMPRESSION: Final = 2
_SUBPIXEL_BITS: Final = 4
"""Of the coordinates that OpenCV draws at: it takes whole sixteenths of a pixel."""
_NO_LENGTH: Final = 1e-12


class _View(NamedTuple):
    """Millimetres to pixels."""

    scale: float
    left: float
    top: float

    def enlarged(self, times: float) -> _View:
        """Return the view of a picture so many times the size."""
        return _View(self.scale * times, self.left * times, self.top * times)

    def moved(self, by: tuple[float, float]) -> _View:
        """Return the view in which things lie elsewhere by so many millimetres."""
        left, top = self.left + by[0] * self.scale, self.top - by[1] * math.cos(_TILT) * self.scale
        return _View(self.scale, left, top)

    def points(self, plane: Points, height: float) -> Places:
        """Project points (n, 2) in mm at a height to parts of pixels, as OpenCV draws them."""
        parts = self.scale * 2**_SUBPIXEL_BITS
        # OpenCV counts from the middle of the first pixel.
        left, top = (self.left - 0.5) * 2**_SUBPIXEL_BITS, (self.top - 0.5) * 2**_SUBPIXEL_BITS
        projected = plane * (parts, -parts * math.cos(_TILT)) + (left, top - height * parts * math.sin(_TILT))
        return np.rint(projected).astype(np.int32)

    def rings(self, region: Region, height: float) -> list[Places]:
        """Project the rings of a region."""
        return np.split(self.points(region.points, height), region.starts[1:-1])


class _Shadow(NamedTuple):
    """A soft shadow: blur and shift in mm, strength from 0 to 1; it has no detail, so it is drawn `times` smaller."""

    blur: float
    shift: tuple[float, float]
    strength: float
    times: int


_ON_THE_TABLE: Final = _Shadow(blur=0.9, shift=(0.7, -1.1), strength=0.42, times=4)
_ON_A_STOREY: Final = _Shadow(blur=0.45, shift=(0.35, -0.5), strength=0.5, times=2)
_BACKDROP: Final = np.linspace((251, 250, 250), (232, 228, 226), HEIGHT // _ON_THE_TABLE.times, dtype=np.float32)[
    :, None
]


def write_preview(drawing: Drawing, filaments: Filaments) -> bytes:
    """Return a PNG, 640 x 400 pixels, of the product in its filament colours."""
    storeys = list(zip(drawing.blueprint.storeys, drawing.regions, strict=True))
    canvas = _Canvas(_view(drawing), on_the_table=storeys[0][1])
    for level, (plan, region) in enumerate(storeys):
        colour = filaments.text.rgb if level == len(storeys) - 1 else filaments.body.rgb
        above = storeys[level + 1][1] if level + 1 < len(storeys) else None
        canvas.walls(region, plan.bottom, plan.top, colour)
        canvas.roof(region, plan.top, colour, above)
    return canvas.png()


def _view(drawing: Drawing) -> _View:
    """Centre the product, as large as the margin and the shadow's reach allow."""
    points = np.concatenate([region.points for region in drawing.regions])
    top = drawing.blueprint.storeys[-1].top
    left, right = points[:, 0].min(), points[:, 0].max()
    low = points[:, 1].min() * math.cos(_TILT)
    high = points[:, 1].max() * math.cos(_TILT) + top * math.sin(_TILT)
    room = 1 - 2 * _MARGIN
    across, along = right - left, high - low
    shadowed = min(WIDTH / (across + 2 * _REACH), HEIGHT / (along + 2 * _REACH))
    scale = float(min(WIDTH * room / across, HEIGHT * room / along, shadowed))
    return _View(scale, float(WIDTH / 2 - (left + right) / 2 * scale), float(HEIGHT / 2 + (low + high) / 2 * scale))


class _Canvas:
    """The picture, and where millimetres fall on it."""

    def __init__(self, view: _View, *, on_the_table: Region) -> None:
        import cv2

        dark = _shadow(on_the_table, view, 0.0, _ON_THE_TABLE)[..., None] * np.float32(1 / 255)
        table = (_BACKDROP + (_SHADOW - _BACKDROP) * dark + 0.5).astype(np.uint8)
        self._image = cv2.resize(table, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
        self._view = view

    def png(self) -> bytes:
        """Return the finished picture."""
        import cv2

        # The backdrop changes downwards alone, and slowly: mostly nothing differs from the line above.
        filtered = [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
        _, png = cv2.imencode(".png", self._image, [cv2.IMWRITE_PNG_COMPRESSION, _COMPRESSION, *filtered])
        return png.tobytes()

    def walls(self, region: Region, bottom: float, top: float, colour: Rgb) -> None:
        """Paint the walls that face the viewer, from back to front."""
        import cv2

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
        for quad, fill in zip(np.stack(corners, axis=1), _shades(colour, lit), strict=True):
            cv2.fillConvexPoly(self._image, quad, fill, cv2.LINE_AA, _SUBPIXEL_BITS)

    def roof(self, region: Region, height: float, colour: Rgb, above: Region | None) -> None:
        """Paint the roof, the shadow of what stands on it, and the bright line in which its rim catches the light."""
        import cv2

        roof, rim = _shades(colour, np.array([_ROOF_LIGHT, _SHADED_RIM_LIGHT if above else _RIM_LIGHT]))
        rings = self._view.rings(region, height)
        cv2.fillPoly(self._image, rings, roof, cv2.LINE_AA, _SUBPIXEL_BITS)
        if above is not None:
            self._shade(rings, roof, _shadow(above, self._view, height, _ON_A_STOREY))
        cv2.polylines(self._image, rings, isClosed=True, color=rim, lineType=cv2.LINE_AA, shift=_SUBPIXEL_BITS)

    def _shade(self, rings: list[Places], roof: tuple[int, int, int], shadow: Pixels) -> None:
        """Paint a roof that lies under a shadow; its edge, which is drawn smoothly, stays."""
        import cv2

        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.fillPoly(mask, rings, 255, cv2.LINE_AA, _SUBPIXEL_BITS)
        _, inside = cv2.threshold(mask, 254, 255, cv2.THRESH_BINARY)
        ramp = np.linspace(roof, _SHADOW, 256).astype(np.uint8)[:, None]
        shaded = cv2.resize(cv2.applyColorMap(shadow, ramp), (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
        cv2.copyTo(shaded, inside, self._image)


def _shadow(region: Region, view: _View, height: float, shadow: _Shadow) -> Pixels:
    """Draw the shadow that a region throws at a height, from 0 to 255."""
    import cv2

    small = view.enlarged(1 / shadow.times).moved(shadow.shift)
    mask = np.zeros((HEIGHT // shadow.times, WIDTH // shadow.times), np.uint8)
    cv2.fillPoly(mask, small.rings(region, height), 255 * shadow.strength, shift=_SUBPIXEL_BITS)
    return cv2.GaussianBlur(mask, (0, 0), max(1.0, shadow.blur * small.scale), dst=mask).astype(np.uint8, copy=False)


def _shades(colour: Rgb, light: NDArray[np.float64]) -> list[tuple[int, int, int]]:
    """Return a colour, blue first, under each amount of light; by a little gloss dark plastic too shows its edges."""
    gloss = (light[:, None] - 0.5) * _GLOSS
    lit = np.clip(np.array(colour[::-1], dtype=float) * light[:, None] + gloss, 0, 255).astype(int)
    return [(blue, green, red) for blue, green, red in lit.tolist()]
