"""A text as a design: one word or a few lines in one colour, cut to its ink.

Keep out: setting text (`lettering`), and where the design is printed (`presets`).
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np

from orchestration.lettering.errors import TextError
from orchestration.mockups.designs.design import Design
from orchestration.mockups.refusals import MockupRefusedError, RefusalCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from orchestration.lettering.fonts import FontLibrary
    from orchestration.lettering.layout import Box
    from orchestration.lettering.paragraph import Paragraph
    from orchestration.mockups.fabrics import Colour

LONGEST_TEXT: Final = 120
_SIDE: Final = 3600
"""Pixels of the longer side: 300 DPI on the largest print."""
_EM: Final = 100.0
_TOLERANCE: Final = 0.01
"""A fiftieth of a pixel's edge away from the true curve, once the text is enlarged."""
_MAX_LINES: Final = 6


def design_from_text(text: str, colour: Colour, library: FontLibrary) -> Design:
    """Set a text; its lines are parted by line breaks, / or a backslash, and centred.

    Raises:
        MockupRefusedError: VALIDATION_ERROR; the text is empty or too long, or holds what cannot be drawn.

    """
    with _set(text) as written:
        pixels = _trimmed(_painted(_paragraph(written, library), colour))
    digest = hashlib.sha256(f"{colour.hex}\n{written}".encode("utf-8", "surrogatepass")).hexdigest()
    return Design(text, pixels, digest, has_alpha=True)


def text_size(text: str, library: FontLibrary) -> tuple[int, int]:
    """Return about the width and height that `design_from_text` gives a text, without drawing it; raises as that."""
    with _set(text) as written:
        room = _room(_paragraph(written, library))
    times = _SIDE / max(room.right - room.left, room.top - room.bottom)
    return max(round((room.right - room.left) * times), 1), max(round((room.top - room.bottom) * times), 1)


def lines_of(text: str) -> list[str]:
    """Part a text into its lines."""
    return text.replace("\\", "\n").replace("/", "\n").strip().split("\n")


@contextmanager
def _set(text: str) -> Iterator[str]:
    """Hand out a text of a bearable length, and turn what cannot be drawn into a refusal of it."""
    written = "\n".join(lines_of(text))
    _check_length(written)
    try:
        yield written
    except TextError as error:
        raise MockupRefusedError(
            RefusalCode.VALIDATION_ERROR, f"the text {text[:40]!r}: {error.problem}", error.remedy
        ) from error


def _check_length(text: str) -> None:
    if not text:
        raise MockupRefusedError(RefusalCode.VALIDATION_ERROR, "the text is empty", "write at least one letter")
    if len(text) > LONGEST_TEXT or text.count("\n") >= _MAX_LINES:
        problem = f"the text has {len(text)} characters on {text.count(chr(10)) + 1} lines"
        remedy = f"write at most {LONGEST_TEXT} on {_MAX_LINES} lines"
        raise MockupRefusedError(RefusalCode.VALIDATION_ERROR, problem, remedy)


def _paragraph(text: str, library: FontLibrary) -> Paragraph:
    from orchestration.lettering.outlines import Outlines
    from orchestration.lettering.paragraph import SANS_BOLD, Align, TextStyle, lay_out

    style = TextStyle(_EM, fonts=SANS_BOLD, bold=True, leading=1.15, align=Align.CENTRE, tolerance=_TOLERANCE)
    return lay_out(text, style, library, Outlines())


def _painted(paragraph: Paragraph, colour: Colour) -> NDArray[np.uint8]:
    from orchestration.lettering.raster import mask, paint

    room = _room(paragraph)
    resolution = _SIDE / max(room.right - room.left, room.top - room.bottom)
    if paragraph.pictures:
        return paint(paragraph, colour.rgb, box=room, resolution=resolution)
    # Letters of one colour are a mask; painting takes four times as long.
    covered = mask(paragraph, box=room, resolution=resolution)
    pixels = np.empty((*covered.shape, 4), np.uint8)
    pixels[:] = colour
    pixels[:, :, 3] = covered
    return pixels


def _room(paragraph: Paragraph) -> Box:
    """The box around letters and emoji; an emoji's is an em wide and more than an em high."""
    from orchestration.lettering.layout import Box, box_around

    emoji = [Box(0, -0.3 * _EM, 1.4 * _EM, 1.1 * _EM).moved(picture.x, picture.y) for picture in paragraph.pictures]
    return box_around([*(placed.box for placed in paragraph.glyphs), *emoji])


def _trimmed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns = (np.flatnonzero(pixels[:, :, 3].any(axis=axis)) for axis in (1, 0))
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
