"""The small things on the cloth, as one tone map in the canvas' coordinates: thread, seams, ribs, the knit.

A tone of 128 leaves the cloth's colour, more is lighter. Keep out: folds and shadows, which come with the mesh.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from orchestration.mockups.garments.model import Edge, Garment, Piece

NEUTRAL: Final = 128
_TILE: Final = 512
# Lines across a seam from the outside in, and over a row of thread: width in mm and tone.
_CREASE: Final = ((2.8, 120), (1.3, 98))
_FURROW: Final = (1.5, 117)
_THREAD: Final = (0.55, 141)
_STITCH_MM: Final = (2.4, 0.9)
# cv2 draws with fractions of a px as bits.
_BITS: Final = 4


def tone_map(garment: Garment) -> NDArray[np.uint8]:
    """The tones of the whole canvas, (canvas_px, canvas_px)."""
    marks = np.full((garment.canvas_px, garment.canvas_px), NEUTRAL, np.uint8)
    for piece in garment.pieces:
        if piece.drape == "neck":
            _draw_ribs(garment, piece, marks)
        for edge in piece.edges:
            _draw_edge(garment, piece, edge, marks)
    return _knitted(marks)


def _knitted(marks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The marks on jersey: columns of stitches, and yarn that is a little thicker here than there."""
    import cv2

    chance = np.random.default_rng(7)
    noise = chance.normal(0, 1, (3, _TILE, _TILE)).astype(np.float32)
    slub, soft = _blurred(noise[1], 7, 0.8), _blurred(noise[2], 8, 8)
    columns = np.sin(np.arange(_TILE) * np.pi / 2)[None, :]
    tile = 1 + 0.012 * noise[0] + 0.005 * slub / slub.std() + 0.005 * soft / soft.std() + 0.02 * columns
    knit = np.clip(np.round(tile * NEUTRAL), 1, 255).astype(np.uint8)
    repeats = -(-len(marks) // _TILE)
    everywhere = np.tile(knit, (repeats, repeats))[: len(marks), : len(marks)]
    return np.asarray(cv2.multiply(marks, everywhere, scale=1 / NEUTRAL), np.uint8)


def _blurred(tile: NDArray[np.float32], across: float, down: float) -> NDArray[np.float32]:
    """A tile blurred by standard deviations in px so that it meets itself."""
    import cv2

    # OpenCV reaches four standard deviations far.
    reach = int(4 * max(across, down)) + 1
    around = cv2.copyMakeBorder(tile, reach, reach, reach, reach, cv2.BORDER_WRAP)
    blurred = cv2.GaussianBlur(around, (0, 0), sigmaX=across, sigmaY=down)
    return np.asarray(blurred[reach:-reach, reach:-reach], np.float32)


def _draw_ribs(garment: Garment, piece: Piece, marks: NDArray[np.uint8]) -> None:
    """Vertical ribs over a band."""
    x0, y0 = garment.to_canvas(piece, piece.outline).min(axis=0).astype(int)
    x1, y1 = garment.to_canvas(piece, piece.outline).max(axis=0).astype(int)
    wave = np.sin(np.arange(x0, x1) * 2 * np.pi / (2.2 * garment.px_per_mm))
    marks[y0 - 8 : y1 + 8, x0:x1] = np.round(NEUTRAL * (0.97 + 0.07 * wave)).astype(np.uint8)


def _draw_edge(garment: Garment, piece: Piece, edge: Edge, marks: NDArray[np.uint8]) -> None:
    """The crease of a side that is sewn, and the rows of thread along it."""
    line = np.asarray(edge.points)
    name = f"{piece.name}.{edge.name}"
    if any(name == side.lstrip("-") for seam in garment.seams for side in seam):
        for width, tone in _CREASE:
            _draw(garment, piece, line, (width, tone), marks)
    for offset in edge.stitches:
        row = _beside(line, offset)
        _draw(garment, piece, row, _FURROW, marks)
        for stitch in _stitches(row):
            _draw(garment, piece, stitch, _THREAD, marks)


def _draw(
    garment: Garment, piece: Piece, line: NDArray[np.float64], pen: tuple[float, int], marks: NDArray[np.uint8]
) -> None:
    """A line; `pen` is its width in mm and its tone."""
    import cv2

    path = np.round(garment.to_canvas(piece, line) * (1 << _BITS)).astype(np.int32)
    width, tone = pen
    thickness = max(1, round(width * garment.px_per_mm))
    cv2.polylines(marks, [path], isClosed=False, color=tone, thickness=thickness, lineType=cv2.LINE_AA, shift=_BITS)


def _beside(line: NDArray[np.float64], offset: float) -> NDArray[np.float64]:
    """The line `offset` mm inside of a side."""
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    moved: NDArray[np.float64] = line + offset * np.stack([-along[:, 1], along[:, 0]], axis=1)
    return moved


def _stitches(row: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """The stitches of a row, each a short line."""
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(row, axis=0), axis=1))])
    stitch, gap = _STITCH_MM
    for start in np.arange(0, length[-1] - stitch, stitch + gap):
        ends = np.array([start, start + stitch])
        yield np.stack([np.interp(ends, length, row[:, axis]) for axis in (0, 1)], axis=1)
