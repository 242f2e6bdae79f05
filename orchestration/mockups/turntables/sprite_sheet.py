"""All frames on one picture, and the page of a few kB on which it is turned by dragging.

Keep out: rendering frames, and formats that play by themselves (`video`, `animation`).
"""

from __future__ import annotations

import math
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from orchestration.mockups.fabrics import Colour

    Pixels = NDArray[np.uint8]


class SpriteSheet(NamedTuple):
    """Frames in rows from the upper left: the picture, uint8 of height x width x 4, and its grid."""

    pixels: Pixels
    sprites: int
    columns: int
    rows: int

    @property
    def cell(self) -> int:
        """The side of one frame in pixels."""
        return int(self.pixels.shape[1]) // self.columns


def sprite_sheet(frames: Sequence[Pixels]) -> SpriteSheet:
    """Lay square frames of one size out in a grid that is as square as they allow."""
    columns = math.ceil(math.sqrt(len(frames)))
    rows = math.ceil(len(frames) / columns)
    cell = frames[0].shape[0]
    pixels = np.zeros((rows * cell, columns * cell, 4), np.uint8)
    for number, frame in enumerate(frames):
        row, column = divmod(number, columns)
        pixels[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell] = frame
    return SpriteSheet(pixels, len(frames), columns, rows)


def viewer_page(sheet: SpriteSheet, address: str, *, title: str, background: Colour, seconds: float) -> bytes:
    """Write the page that shows the sheet at `address`, a relative or absolute URL; one turn takes `seconds`."""
    page = _template().substitute(
        title=escape(title),
        sheet=escape(address),
        background=background.hex,
        count=sheet.sprites,
        last=sheet.sprites - 1,
        columns=sheet.columns,
        rows=sheet.rows,
        cell=sheet.cell,
        milliseconds=round(1000 * seconds / sheet.sprites),
    )
    return page.encode()


@cache
def _template() -> Template:
    return Template(Path(__file__).with_name("viewer.html").read_text(encoding="utf-8"))
