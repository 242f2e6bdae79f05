"""Small fonts made for the tests: square letters, and emoji in colours.

Building font files. Keep out: expectations. A square of a Japanese letter is 800 wide and high and begins 100 to the
right; its advance, as every other, is 1000 units, the em.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from fontTools.colorLib.builder import buildCOLR, buildCPAL
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import newTable
from fontTools.ttLib.tables.sbixGlyph import Glyph
from fontTools.ttLib.tables.sbixStrike import Strike
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

JAPANESE = "日本語の文章です。改行「テスト」ー、っ"
GRIN = "\U0001f600"
_GLYPHS = [".notdef", "space", "square", "grin", "whole"]


def japanese(folder: Path) -> None:
    """Write a font of squares for `JAPANESE` and Latin capitals."""
    letters = {ord(letter): "square" for letter in f"{JAPANESE}ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    _built({0x20: "space", **letters}).save(folder / "squares.ttf")


def layered_emoji(folder: Path) -> None:
    """Write a font whose grin is a red square over its whole em (COLR)."""
    builder = _built({ord(GRIN): "grin"})
    builder.font["COLR"] = buildCOLR({"grin": [("whole", 0)]}, version=0)
    builder.font["CPAL"] = buildCPAL([[(1.0, 0.0, 0.0, 1.0)]])
    builder.save(folder / "layers.ttf")


def bitmap_emoji(folder: Path) -> None:
    """Write a font whose grin is a PNG: green, its upper half half transparent (sbix)."""
    builder = _built({ord(GRIN): "grin"})
    picture, stream = Image.new("RGBA", (64, 64), (0, 255, 0, 255)), io.BytesIO()
    picture.paste((0, 255, 0, 128), (0, 0, 64, 32))
    picture.save(stream, "PNG")
    strike = Strike(ppem=64, resolution=72)
    for name in _GLYPHS:
        data = ("png ", stream.getvalue()) if name == "grin" else (None, None)
        strike.glyphs[name] = Glyph(
            glyphName=name, graphicType=data[0], imageData=data[1], originOffsetX=0, originOffsetY=0
        )
    table = newTable("sbix")
    table.version, table.flags, table.strikes = 1, 1, {64: strike}
    builder.font["sbix"] = table
    builder.save(folder / "bitmaps.ttf")


def _built(characters: dict[int, str]) -> FontBuilder:
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(_GLYPHS)
    builder.setupCharacterMap(characters)
    boxes = {".notdef": (0, 0, 500, 700), "square": (100, 0, 900, 800), "whole": (0, 0, 1000, 1000)}
    builder.setupGlyf({name: _box(boxes.get(name)) for name in _GLYPHS})
    builder.setupHorizontalMetrics({name: (1000, boxes.get(name, (0,))[0]) for name in _GLYPHS})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Made", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    return builder


def _box(corners: tuple[int, int, int, int] | None) -> object:
    pen = TTGlyphPen(None)
    if corners is not None:
        left, bottom, right, top = corners
        pen.moveTo((left, bottom))
        for point in ((left, top), (right, top), (right, bottom)):
            pen.lineTo(point)
        pen.closePath()
    return pen.glyph()
