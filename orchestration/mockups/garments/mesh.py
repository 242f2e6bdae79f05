"""The mesh of a draped garment with its baked light, as it is kept in `data/<template>.npz`.

Keep out: how it is made (`draping`), how it is seen (`views`).
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from orchestration.errors import ConfigurationError
from orchestration.mockups.garments.library import DATA

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_CANVAS_STEPS = 16


class Material(IntEnum):
    """What a corner is of: the outside of the cloth, which takes ink, its inside, the label in the neck."""

    CLOTH = 0
    INSIDE = 1
    LABEL = 2


class Transfer(NamedTuple):
    """Light of points as a product of two small matrices: `weights` (points, rank) times `basis` (rank, directions).

    A row times the radiance of every direction is the irradiance, 1 for an open point under a sky of 1.
    """

    weights: NDArray[np.float32]
    basis: NDArray[np.float32]


class GarmentMesh(NamedTuple):
    """Corners of triangles: `points` (n, 3) metres, `normals`, `canvas` (n, 2) px of the template art, `material` (n,).

    `outer`, `inner`: the light that falls on the two sides of the cloth straight from the studio; `bounce` and
    `inner_bounce`: what arrives over one reflection at white cloth. `ground`: the same for a square grid of floor
    points, `ground_side` metres long, `ground_height` metres high.
    """

    points: NDArray[np.float32]
    normals: NDArray[np.float32]
    canvas: NDArray[np.float32]
    material: NDArray[np.uint8]
    triangles: NDArray[np.int32]
    outer: Transfer
    inner: Transfer
    bounce: Transfer
    inner_bounce: Transfer
    ground: Transfer
    ground_side: float
    ground_height: float


TRANSFERS = ("outer", "inner", "bounce", "inner_bounce", "ground")


def save_mesh(mesh: GarmentMesh, path: Path) -> None:
    """Write the mesh with as few digits as the pictures need: points to 20 micrometres, light to less than 1 %."""
    low, high = mesh.points.min(), mesh.points.max()
    arrays = {
        "box": np.array([low, high, mesh.ground_side, mesh.ground_height], np.float64),
        "points": np.round((mesh.points - low) / (high - low) * 65535).astype(np.uint16),
        "normals": np.round(mesh.normals * 127).astype(np.int8),
        "canvas": np.round(mesh.canvas * _CANVAS_STEPS).astype(np.uint16),
        "material": mesh.material,
        "triangles": mesh.triangles.astype(np.uint16),
    }
    for name in TRANSFERS:
        arrays |= _packed(name, getattr(mesh, name))
    np.savez_compressed(path, **arrays)


def _packed(name: str, transfer: Transfer) -> dict[str, NDArray[np.generic]]:
    """The strongest columns get 16 bits and the others 8: their errors are as small then."""
    largest = np.abs(transfer.weights).max(axis=0) + 1e-12
    share = transfer.weights / largest
    return {
        f"{name}_fine": np.round(share[:, :_FINE] * 32767).astype(np.int16),
        f"{name}_coarse": np.round(share[:, _FINE:] * 127).astype(np.int8),
        f"{name}_basis": (transfer.basis * largest[:, None]).astype(np.float32),
    }


_FINE = 4


def load_mesh(template_id: str, folder: Path = DATA) -> GarmentMesh:
    """The mesh of a garment. Raises `ConfigurationError` if it was not made."""
    path = folder / f"{template_id}.npz"
    if not path.exists():
        raise ConfigurationError(f"the mesh {path.name} of the garment {template_id} is missing; run `make garments`")
    with np.load(path) as data:
        low, high, side, height = (float(value) for value in data["box"])
        return GarmentMesh(
            points=(data["points"].astype(np.float32) * ((high - low) / 65535) + low).astype(np.float32),
            normals=data["normals"].astype(np.float32) / 127,
            canvas=data["canvas"].astype(np.float32) / _CANVAS_STEPS,
            material=data["material"],
            triangles=data["triangles"].astype(np.int32),
            **{name: _unpacked(name, data) for name in TRANSFERS},
            ground_side=side,
            ground_height=height,
        )


def _unpacked(name: str, data: dict[str, NDArray[np.generic]]) -> Transfer:
    fine = data[f"{name}_fine"].astype(np.float32) / 32767
    coarse = data[f"{name}_coarse"].astype(np.float32) / 127
    return Transfer(np.concatenate([fine, coarse], axis=1), data[f"{name}_basis"].astype(np.float32))
