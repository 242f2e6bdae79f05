"""The flat garment as a picture: its pieces in the fabric's colour on dark ground, with soft edges, seams and stitches.

Coverage of the canvas, made once for each garment, and its tint. Keep out: designs (`compositing`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orchestration.mockups.fabrics import Colour
    from orchestration.mockups.garments.model import Edge, Garment, Piece

    Pixels = NDArray[np.uint8]

GROUND: Final = (18, 18, 18)
"""The colour around the pieces, where nothing is printed."""
_OPAQUE: Final = 255
_SUBPIXELS: Final = 4
"""Bits of a coordinate behind the point, as OpenCV takes them."""
_SEAM, _STITCH = 214, 226
"""Coverage of the lines: so much of the ground shows through that they are seen on white and on black."""
_STITCH_MM, _GAP_MM, _STITCH_WIDTH_MM, _EDGE_WIDTH_MM = 3.0, 1.5, 0.7, 0.8


def flat_art(garment: Garment, fabric: Colour) -> Pixels:
    """Return the empty template in a colour: uint8 of canvas x canvas x 4, opaque. The caller may draw on it."""
    share = np.arange(_OPAQUE + 1)[:, None] / _OPAQUE
    shades = np.rint(np.array(GROUND) * (1 - share) + np.array(fabric.rgb) * share)
    table = np.concatenate([shades, np.full_like(shades[:, :1], _OPAQUE)], axis=1).astype(np.uint8)
    mask = coverage(garment)
    # One look-up of a whole pixel is several times faster than four channels of arithmetic.
    art: Pixels = table.view(np.uint32)[:, 0][mask].view(np.uint8).reshape(*mask.shape, 4)
    return art


@lru_cache(maxsize=4)
def coverage(garment: Garment) -> Pixels:
    """Return how much fabric shows in each pixel of the canvas, 0 to 255; lines are a little less than full."""
    import cv2

    mask = np.zeros((garment.canvas_px, garment.canvas_px), np.uint8)
    for piece in garment.pieces:
        outline = _fixed(garment, piece, piece.outline)
        cv2.fillPoly(mask, [outline], _OPAQUE, lineType=cv2.LINE_AA, shift=_SUBPIXELS)
    lines = np.full_like(mask, _OPAQUE)
    for piece in garment.pieces:
        _draw_lines(lines, garment, piece)
    np.minimum(mask, lines, out=mask)
    mask.flags.writeable = False
    return mask


def _draw_lines(lines: Pixels, garment: Garment, piece: Piece) -> None:
    """Draw the edge of a piece, and its lines of thread as dashes."""
    import cv2

    edge_width = max(round(_EDGE_WIDTH_MM * garment.px_per_mm), 1)
    outline = _fixed(garment, piece, piece.outline)
    cv2.polylines(lines, [outline], isClosed=True, color=_SEAM, thickness=edge_width, lineType=cv2.LINE_AA,
                  shift=_SUBPIXELS)  # fmt: skip
    thread_width = max(round(_STITCH_WIDTH_MM * garment.px_per_mm), 1)
    for edge in piece.edges:
        for inset in edge.stitches:
            dashes = [_fixed(garment, piece, dash) for dash in _dashes(_inset(edge, inset))]
            cv2.polylines(lines, dashes, isClosed=False, color=_STITCH, thickness=thread_width, lineType=cv2.LINE_AA,
                          shift=_SUBPIXELS)  # fmt: skip


def _fixed(garment: Garment, piece: Piece, points: NDArray[np.float64]) -> NDArray[np.int32]:
    """Points of a piece in mm as OpenCV's fixed-point pixels, whose centres are whole."""
    canvas = garment.to_canvas(piece, points) - 0.5
    fixed: NDArray[np.int32] = np.rint(canvas * (1 << _SUBPIXELS)).astype(np.int32)
    return fixed


def _inset(edge: Edge, distance: float) -> NDArray[np.float64]:
    """Move an edge inwards, which is to the right of its direction in coordinates whose y points down."""
    points = np.asarray(edge.points)
    tangents = np.gradient(points, axis=0)
    tangents /= np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), 1e-9)
    moved: NDArray[np.float64] = points + distance * np.stack([-tangents[:, 1], tangents[:, 0]], axis=1)
    return moved


def _dashes(line: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Cut a line in mm into stitches of equal length."""
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    starts = np.arange(0.0, lengths[-1] - _STITCH_MM, _STITCH_MM + _GAP_MM)
    at = np.stack([starts, starts + _STITCH_MM], axis=1)
    ends = np.stack([np.interp(at, lengths, line[:, axis]) for axis in (0, 1)], axis=-1)
    return list(ends)
