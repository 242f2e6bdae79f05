"""The files of a plate: one 3MF with all products named, and a picture of the bed from above.

Products are drawn and written in their places, as their own 3MF files have them. Keep out: where they stand
(`packing`), and storage.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.prints.plates.packing import Footprint
from orchestration.prints.solid.threemf import Model, Part, Placement, write_3mf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL import Image, ImageDraw

    from orchestration.prints.plates.packing import Place
    from orchestration.prints.solid.colours import Filaments, Rgb

    Points = NDArray[np.float64]

PICTURE_WIDTH: Final = 900
_OVERSAMPLING: Final = 2
_CAPTION: Final = 44
_GRID_MM: Final = 10.0
_TABLE, _GRID, _INK, _RIM = (236, 238, 241), (222, 225, 230), (50, 54, 60), (96, 100, 108)
_SHADED: Final = 0.82
_FLAT: Final = 1e-4


class Piece(NamedTuple):
    """One piece of a product: what it is called, and its body and text as they are printed."""

    name: str
    parts: tuple[Part, ...]

    @property
    def low(self) -> Points:
        """Its lower left corner in its own coordinates."""
        low: Points = np.min([part.vertices[:, :2].min(axis=0) for part in self.parts], axis=0).astype(float)
        return low

    @property
    def footprint(self) -> Footprint:
        """The room that it takes."""
        high = np.max([part.vertices[:, :2].max(axis=0) for part in self.parts], axis=0)
        width, depth = (high - self.low).tolist()
        return Footprint(width, depth)


class Standing(NamedTuple):
    """A piece and where its corner stands on the bed, in mm from the bed's own corner."""

    piece: Piece
    place: Place

    @property
    def placement(self) -> Placement:
        """The transformation of the piece's own coordinates to its place."""
        x, y = self.piece.low.tolist()
        place = self.place
        if place.is_turned:  # (x, y) becomes (-y, x), so its upper edge becomes the left one
            return Placement(place.x + y + self.piece.footprint.depth, place.y - x, is_turned=True)
        return Placement(place.x - x, place.y - y)

    def moved(self, points: Points) -> Points:
        """Return points (n, 2) of the piece in their place."""
        placement = self.placement
        turned = np.stack([-points[:, 1], points[:, 0]], axis=1) if placement.is_turned else points
        moved: Points = turned + np.array((placement.x, placement.y))
        return moved


def write_plate(standing: Sequence[Standing], filaments: Filaments, title: str, picture: bytes) -> bytes:
    """Return the 3MF of a plate: an object a piece, each by its name and in its place."""
    models = [Model(one.piece.name, one.piece.parts, one.placement) for one in standing]
    return write_3mf(models, filaments, title, picture)


def draw_plate(standing: Sequence[Standing], filaments: Filaments, bed: tuple[float, float], caption: str) -> bytes:
    """Return a PNG of the bed from above, the products in their colours and the caption below."""
    from PIL import Image, ImageDraw

    scale = PICTURE_WIDTH * _OVERSAMPLING / bed[0]
    size = PICTURE_WIDTH * _OVERSAMPLING, round(bed[1] * scale)
    table = Image.new("RGB", size, _TABLE)
    draw = ImageDraw.Draw(table)
    _draw_grid(draw, bed, scale)
    for one in standing:
        body, text = one.piece.parts
        _draw_part(draw, _Flat.of(one, body, scale, size[1], top=False), filaments.body.rgb)
        colour = filaments.text.rgb
        if colour == filaments.body.rgb:  # a product of one colour would show no letters
            colour = type(colour)(*(round(channel * _SHADED) for channel in colour))
        _draw_part(draw, _Flat.of(one, text, scale, size[1], top=True), colour)
    return _captioned(table.reduce(_OVERSAMPLING), caption)


def _draw_grid(draw: ImageDraw.ImageDraw, bed: tuple[float, float], scale: float) -> None:
    width, depth = bed[0] * scale, bed[1] * scale
    for x in np.arange(0.0, bed[0], _GRID_MM) * scale:
        draw.line((x, 0, x, depth), fill=_GRID)
    for y in np.arange(0.0, bed[1], _GRID_MM) * scale:
        draw.line((0, depth - y, width, depth - y), fill=_GRID)


class _Flat(NamedTuple):
    """The outline of a part from above: points in pixels, and triangles."""

    points: Points
    triangles: NDArray[np.int64]

    @classmethod
    def of(cls, one: Standing, part: Part, scale: float, height: int, *, top: bool) -> _Flat:
        """Take the top or the bottom of a part."""
        z = part.vertices[:, 2]
        level = z.max() if top else z.min()
        flat = part.triangles[(np.abs(z[part.triangles] - level) < _FLAT).all(axis=1)]
        plane = one.moved(part.vertices[:, :2].astype(float))
        return cls(plane * np.array((scale, -scale)) + np.array((0.0, height)), flat)


def _draw_part(draw: ImageDraw.ImageDraw, flat: _Flat, colour: Rgb) -> None:
    """Fill the outline of a part, with a rim where it ends."""
    for triangle in flat.points[flat.triangles].reshape(-1, 6).tolist():
        draw.polygon(triangle, fill=colour, outline=colour)
    for start, end in _rim(flat.triangles):
        draw.line((*flat.points[start], *flat.points[end]), fill=_RIM, width=_OVERSAMPLING)


def _rim(triangles: NDArray[np.int64]) -> list[list[int]]:
    """Return the edges that only one of the triangles has."""
    edges = np.sort(np.concatenate([triangles[:, pair] for pair in ([0, 1], [1, 2], [2, 0])]), axis=1)
    distinct, counts = np.unique(edges, axis=0, return_counts=True)
    rim: list[list[int]] = distinct[counts == 1].tolist()
    return rim


def _captioned(table: Image.Image, caption: str) -> bytes:
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("RGB", (table.width, table.height + _CAPTION), "white")
    picture.paste(table, (0, 0))
    font = ImageFont.truetype(io.BytesIO(_caption_font().read_bytes()), 18)
    ImageDraw.Draw(picture).text((12, table.height + 10), caption, fill=_INK, font=font)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _caption_font() -> Path:
    from orchestration.lettering.fonts import FontLibrary
    from orchestration.lettering.paragraph import SANS

    return Path(FontLibrary().first(SANS).path)
