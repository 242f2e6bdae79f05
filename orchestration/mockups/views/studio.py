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
    ((-0.72, 0.58, 0.42), 14.0, 4.4),
    ((0.85, 0.30, 0.40), 7.0, 0.75),
    ((0.75, 0.45, -0.60), 12.0, 1.5),
    ((-0.90, 0.25, -0.45), 12.0, 0.9),
)
_SKY: Final = 0.27


class Irradiance(NamedTuple):
    """What falls on each corner (n,): straight on both sides of the cloth, and over one bounce at white cloth."""

    outer: NDArray[np.float32]
    inner: NDArray[np.float32]
    bounce: NDArray[np.float32]
    inner_bounce: NDArray[np.float32]


def radiance(camera: Camera) -> NDArray[np.float32]:
    """The radiance (directions,) of the studio in the world's directions."""
    seen = sphere_directions() @ camera.rotation.T
    light = _SKY * (0.62 + 0.38 * seen[:, 1])
    for place, sharpness, strength in _LAMPS:
        towards = np.array(place) / np.linalg.norm(place)
        light = light + strength * np.exp(sharpness * (seen @ towards - 1))
    return light.astype(np.float32)


def irradiance(mesh: GarmentMesh, light: NDArray[np.float32]) -> Irradiance:
    """The light on the corners of the mesh."""
    return Irradiance(*(received(part, light) for part in (mesh.outer, mesh.inner, mesh.bounce, mesh.inner_bounce)))


def received(transfer: Transfer, light: NDArray[np.float32]) -> NDArray[np.float32]:
    """The irradiance of the points of a transfer matrix; what its cut-off made negative is dark."""
    values: NDArray[np.float32] = np.maximum(transfer.weights @ (transfer.basis @ light), 0)
    return values
