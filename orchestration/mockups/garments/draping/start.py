"""Where the pieces are before the cloth falls: panels before and behind the form, sleeves and collar around it.

A piece's `drape` names how it starts. Rows of a garment's `form`: `arm` (x, y, z of the shoulder joint, degrees from
the vertical at the start and at rest, length, both radii), `neck` (y, z, half width, half depth in mm), `panels` (z of
the front and of the back in mm). Keep out: the fall (`cloth`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orchestration.mockups.garments.draping.pattern import FlatPiece, Pattern
    from orchestration.mockups.garments.model import Garment


def starting_positions(garment: Garment, pattern: Pattern) -> NDArray[np.float64]:
    """The vertices (n, 3) in metres; a sewn vertex lies between the places that its corners would have."""
    places = np.concatenate([_place(garment, piece) for piece in pattern.pieces])
    total = int(pattern.vertex_of.max()) + 1
    counts = np.bincount(pattern.vertex_of, minlength=total)
    sums = [np.bincount(pattern.vertex_of, weights=places[:, axis], minlength=total) for axis in range(3)]
    return np.stack(sums, axis=1) / counts[:, None]


def _place(garment: Garment, piece: FlatPiece) -> NDArray[np.float64]:
    x, y = piece.flat[:, 0] / 1e3, -piece.flat[:, 1] / 1e3
    kind = piece.piece.drape
    if kind in {"front", "back"}:
        return _panel(garment, piece, x, y, 1 if kind == "front" else -1)
    if kind in {"left_arm", "right_arm"}:
        return _sleeve(garment, piece, 1 if kind == "left_arm" else -1)
    return _collar(garment, piece, x, y)


def _panel(
    garment: Garment, piece: FlatPiece, x: NDArray[np.float64], y: NDArray[np.float64], side: int
) -> NDArray[np.float64]:
    """A pillow: flat, and bent towards the other panel near the seams."""
    from scipy.spatial import cKDTree

    sewn = [
        name.lstrip("-").partition(".")[2]
        for pair in garment.seams
        for name in pair
        if name.lstrip("-").startswith(piece.piece.name + ".")
    ]
    seam = np.concatenate([piece.flat[piece.sides[name]] for name in sewn])
    near, _ = cKDTree(seam).query(piece.flat)
    level = garment.form["panels"][0][0 if side > 0 else 1] / 1e3
    return np.stack([side * x, y, level * np.sqrt(np.clip(near / 140, 0, 1))], axis=1)


def _sleeve(garment: Garment, piece: FlatPiece, side: int) -> NDArray[np.float64]:
    """A tube around the arm: the flat middle lies on top, the flat ends meet below, the wearer's front is in front."""
    x, y, z, degrees = garment.form["arm"][0][:4]
    lean = np.radians(degrees)
    down = np.array([np.sin(lean), -np.cos(lean), 0.0])
    up = np.array([np.cos(lean), np.sin(lean), 0.0])
    ends = piece.flat[piece.sides["under_back"]]
    ends = ends[np.argsort(ends[:, 1])]
    half = np.interp(piece.flat[:, 1], ends[:, 1], np.abs(ends[:, 0]))
    angle = np.pi * piece.flat[:, 0] * side / half
    ring = np.cos(angle)[:, None] * up - np.sin(angle)[:, None] * np.array([0, 0, 1.0])
    place = np.array([x, y, z]) + piece.flat[:, 1:] * down + ring * (half / np.pi)[:, None]
    place[:, 0] *= side
    metres: NDArray[np.float64] = place / 1e3
    return metres


def _collar(garment: Garment, piece: FlatPiece, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """A ring around the neck: the front part of its seam goes over the front half."""
    height, centre, half_width, half_depth = (value / 1e3 for value in garment.form["neck"][0])
    front = piece.flat[piece.sides["seam_front"]][:, 0].max() / 1e3
    end = x.max()
    turn = np.where(x < front, x / front, 1 + (x - front) / (end - front)) * np.pi
    low = height - 0.06 * np.clip(np.sin(turn), 0, None)
    return np.stack([-half_width * np.cos(turn), low + (y - y.min()), centre + half_depth * np.sin(turn)], axis=1)
