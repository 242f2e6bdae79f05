"""Pictures fitted into boxes.

Decoding, scaling, flattening. Keep out: which files are taken (`orchestration.media`), and the page around them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from orchestration.media.image_rules import IntakeRules
from orchestration.media.intake import take_in
from orchestration.previews.film.design import Box

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestration.previews.film.canvas import Pixels
    from orchestration.previews.film.design import Colour

RULES = IntakeRules(max_pixels=40_000_000)
# A small picture is enlarged at most so many times: beyond, it shows its pixels.
MOST_ENLARGED = 2.0


class Picture(NamedTuple):
    """A picture from outside: RGB, or RGBA with straight alpha, and what was noticed about it."""

    pixels: Pixels
    notes: tuple[str, ...] = ()


def open_picture(path: Path, name: str) -> Picture:
    """Decode an image; raises `InvalidImageError` that names it."""
    image = take_in(path, RULES, name=name)
    notes = [f"{name} has {image.original.frames} frames; the first is shown"] if image.original.frames > 1 else []
    if not image.has_alpha and image.pixels.std() < 1:
        notes.append(f"{name} has only one colour")
    return Picture(image.pixels, tuple(notes))


def fitted_size(width: int, height: int, box: Box) -> tuple[int, int]:
    """The largest size of a picture's shape within the box, at least a pixel each way."""
    scale = min(box.width / width, box.height / height, MOST_ENLARGED)
    return max(1, round(width * scale)), max(1, round(height * scale))


def centred(size: tuple[int, int], box: Box) -> Box:
    """A box of that size in the middle of another."""
    width, height = size
    return Box(box.x + (box.width - width) // 2, box.y + (box.height - height) // 2, width, height)


def scaled(pixels: Pixels, size: tuple[int, int], under: Colour) -> Pixels:
    """The picture at a size (width, height) as RGB; what is transparent shows the colour `under`."""
    import cv2

    height, width = pixels.shape[:2]
    method = cv2.INTER_AREA if size[0] < width or size[1] < height else cv2.INTER_CUBIC
    if pixels.shape[2] == len("RGB"):
        return np.asarray(cv2.resize(pixels, size, interpolation=method), np.uint8)
    alpha = pixels[:, :, 3:].astype(np.float32) / 255
    # Multiplied by alpha first: the colour of what is transparent would bleed into the edges.
    flat = pixels[:, :, :3] * alpha + np.array(under, np.float32) * (1 - alpha)
    return np.asarray(cv2.resize(np.rint(flat).astype(np.uint8), size, interpolation=method), np.uint8)


def grid(sizes: Sequence[tuple[int, int]], box: Box, gap: int) -> list[Box]:
    """Boxes for pictures of these sizes (width, height), in as many columns as show the most of them."""
    grids = [_grid(len(sizes), columns, box, gap) for columns in range(1, len(sizes) + 1)]
    return max(grids, key=lambda cells: sum(_area(size, cell) for size, cell in zip(sizes, cells, strict=True)))


def _grid(count: int, columns: int, box: Box, gap: int) -> list[Box]:
    """Equal boxes in rows; a last row that is short stands in the middle."""
    rows = -(-count // columns)
    width = max(1, (box.width - gap * (columns - 1)) // columns)
    height = max(1, (box.height - gap * (rows - 1)) // rows)
    cells = []
    for number in range(count):
        row, column = divmod(number, columns)
        lacking = columns - min(columns, count - row * columns)
        left = box.x + (width + gap) * column + (width + gap) * lacking // 2
        cells.append(Box(left, box.y + (height + gap) * row, width, height))
    return cells


def _area(size: tuple[int, int], cell: Box) -> int:
    width, height = fitted_size(*size, cell)
    return width * height
