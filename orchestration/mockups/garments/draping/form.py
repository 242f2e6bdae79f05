"""The form that cloth falls over: a signed distance on a grid, of a torso, limbs and ellipsoids given in mm.

World coordinates are metres: y up from the garment's highest point, z towards the viewer, x to the wearer's left. Rows
of a garment's `form`: `torso` (y, half width, half depth, z of the centre); `capsules` (x, y, z, radius at both ends)
and `ellipsoids` (x, y, z, three radii), both mirrored in x; `blend`, the radius in mm that joins them.
Keep out: the cloth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Axis = NDArray[np.float64]

_CELL = 0.006
_MARGIN = 0.12


class Form(NamedTuple):
    """Signed distances in metres, `values[x, y, z]`, of a grid with `cell` metres that begins at `origin`."""

    values: NDArray[np.float32]
    origin: NDArray[np.float64]
    cell: float


def build_form(
    rows: Mapping[str, Sequence[Sequence[float]]], low: NDArray[np.float64], high: NDArray[np.float64]
) -> Form:
    """The form on a grid that covers the box from `low` to `high` (metres) and a margin around it."""
    origin = low - _MARGIN
    axes = [np.arange(origin[axis], high[axis] + _MARGIN, _CELL) for axis in range(3)]
    x, y, z = np.meshgrid(np.abs(axes[0]), axes[1], axes[2], indexing="ij", sparse=True)
    blend = rows["blend"][0][0] / 1e3 if "blend" in rows else 0.03
    parts = [_torso(np.asarray(rows["torso"]) / 1e3, x, y, z)] if rows.get("torso") else []
    parts += [_capsule(np.asarray(row) / 1e3, x, y, z) for row in rows.get("capsules", ())]
    parts += [_ellipsoid(np.asarray(row) / 1e3, x, y, z) for row in rows.get("ellipsoids", ())]
    distance = parts[0]
    for part in parts[1:]:
        mix = np.maximum(blend - np.abs(distance - part), 0) / blend
        distance = np.minimum(distance, part) - mix**2 * blend / 4
    shape = tuple(len(axis) for axis in axes)
    return Form(np.ascontiguousarray(np.broadcast_to(distance, shape), dtype=np.float32), origin, _CELL)


def _torso(rows: Axis, x: Axis, y: Axis, z: Axis) -> Axis:
    """A stack of superellipses; the distance is that of the section, scaled."""
    from scipy.interpolate import PchipInterpolator

    ordered = rows[np.argsort(rows[:, 0])]
    inside = np.clip(y, ordered[0, 0], ordered[-1, 0])
    width, depth, centre = (PchipInterpolator(ordered[:, 0], ordered[:, column])(inside) for column in (1, 2, 3))
    power = 2.35
    ratio = ((x / width) ** power + (np.abs(z - centre) / depth) ** power) ** (1 / power)
    section = (ratio - 1) * np.minimum(width, depth)
    cap = np.maximum(y - ordered[-1, 0], ordered[0, 0] - y)
    stack: Axis = np.maximum(section, cap)
    return stack


def _capsule(row: Axis, x: Axis, y: Axis, z: Axis) -> Axis:
    start, end, radii = row[0:3], row[4:7], (row[3], row[7])
    axis = end - start
    along = ((x - start[0]) * axis[0] + (y - start[1]) * axis[1] + (z - start[2]) * axis[2]) / (axis @ axis)
    t = np.clip(along, 0, 1)
    away = [value - (start[k] + t * axis[k]) for k, value in enumerate((x, y, z))]
    capsule: Axis = np.sqrt(away[0] ** 2 + away[1] ** 2 + away[2] ** 2) - (radii[0] + t * (radii[1] - radii[0]))
    return capsule


def _ellipsoid(row: Axis, x: Axis, y: Axis, z: Axis) -> Axis:
    ratio = np.sqrt(sum(((value - row[k]) / row[3 + k]) ** 2 for k, value in enumerate((x, y, z))))
    ellipsoid: Axis = (ratio - 1) * row[3:].min()
    return ellipsoid
