"""The studio: softboxes that turn with the camera, and what reaches each corner of the mesh from them.

Keep out: the transfer matrices (`light`), colours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.mockups.garments.draping.light import sphere_directions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orchestration.mockups.garments.mesh import GarmentMesh, Transfer
    from orchestration.mockups.views.camera import Camera

# Direction in the camera's space, sharpness of the lobe, strength.
_LAMPS: Final = (
    # Key from the upper left, which draws the folds; a large soft front; a little from the right; two rims behind.
    ((-0.80, 0.50, 0.33), 15.0, 8.6),
    ((0.15, 0.35, 0.92), 4.0, 0.98),
    ((0.90, 0.25, 0.35), 7.0, 0.80),
    ((0.75, 0.45, -0.60), 12.0, 1.6),
    ((-0.90, 0.25, -0.45), 12.0, 1.0),
)
_SKY: Final = 0.24
# The share of the light on one side that leaves white cloth on the other.
_THROUGH: Final = 0.16


class Irradiance(NamedTuple):
    """What falls on each corner (n,): straight on both sides of the cloth, and over one bounce at white cloth."""

    outer: NDArray[np.float32]
    inner: NDArray[np.float32]
    bounce: NDArray[np.float32]
    inner_bounce: NDArray[np.float32]


def radiance(camera: Camera) -> NDArray[np.float32]:
    """The radiance (directions,) of the studio in the world's directions."""
    return studio_light(sphere_directions() @ camera.rotation.T)


def studio_light(seen: NDArray[np.float32]) -> NDArray[np.float32]:
    """The radiance (n,) from directions (n, 3) of the camera's space."""
    light = _SKY * (0.62 + 0.38 * seen[:, 1])
    for place, sharpness, strength in _LAMPS:
        towards = np.array(place) / np.linalg.norm(place)
        light = light + strength * np.exp(sharpness * (seen @ towards - 1))
    return light.astype(np.float32)


def irradiance(mesh: GarmentMesh, light: NDArray[np.float32]) -> Irradiance:
    """The light on the corners of the mesh; with the bounce comes what shines through the cloth."""
    outer, inner = received(mesh.outer, light), received(mesh.inner, light)
    return Irradiance(
        outer,
        inner,
        received(mesh.bounce, light) + _THROUGH * inner,
        received(mesh.inner_bounce, light) + _THROUGH * outer,
    )


def received(transfer: Transfer, light: NDArray[np.float32]) -> NDArray[np.float32]:
    """The irradiance of the points of a transfer matrix; what its cut-off made negative is dark."""
    # BLAS may compute lanes that it drops, and what lies in them sets the flag now and then (seen with AVX-512 and a
    # rank of 5). A value that is none would be noticed where the passes are rounded.
    with np.errstate(invalid="ignore"):
        values: NDArray[np.float32] = np.maximum(transfer.weights @ (transfer.basis @ light), 0)
    return values
