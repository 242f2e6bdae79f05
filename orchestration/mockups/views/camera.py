"""The camera: where it stands for each view, and where points of the world fall in the picture.

Keep out: the names of views (`angles`), light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orchestration.mockups.garments.mesh import GarmentMesh

_ELEVATION: Final = 4.0
_HALF_FIELD: Final = 9.5
# The share of the picture's height and width that a garment may fill in any view.
_FILL: Final = 0.86


class Camera(NamedTuple):
    """`rotation` (3, 3) from world to camera (x right, y up, z towards the viewer), `eye` in rotated coordinates.

    `focal`: half the picture's size over the tangent of half the field.
    """

    rotation: NDArray[np.float32]
    eye: NDArray[np.float32]
    focal: float

    def project(self, points: NDArray[np.float32], size: int) -> NDArray[np.float32]:
        """Points (n, 3) in metres as (n, 3): x and y in px from the top left corner, and 1 / depth."""
        seen = points @ self.rotation.T - self.eye
        depth = -seen[:, 2]
        x = (seen[:, 0] * self.focal / depth * 0.5 + 0.5) * size
        y = (0.5 - seen[:, 1] * self.focal / depth * 0.5) * size
        return np.stack([x, y, 1 / depth], axis=1).astype(np.float32)

    def step(self, size: int) -> float:
        """The metres that one of `size` px covers at the middle of the garment."""
        return float(2 * self.eye[2] / (self.focal * size))


def camera_at(mesh: GarmentMesh, azimuth: float) -> Camera:
    """A camera that sees the whole garment from `azimuth` degrees, from as far as in every other view."""
    low, high = mesh.points.min(axis=0), mesh.points.max(axis=0)
    centre = np.array([0, (low[1] + high[1]) / 2, 0], np.float32)
    radius = float(np.hypot(mesh.points[:, 0], mesh.points[:, 2]).max())
    focal = 1 / float(np.tan(np.radians(_HALF_FIELD)))
    distance = max((high[1] - low[1]) / 2, radius) * focal / _FILL + radius / 2
    rotation = _rotation(azimuth)
    eye = rotation @ centre + np.array([0, 0, distance], np.float32)
    return Camera(rotation, eye.astype(np.float32), focal)


def _rotation(azimuth: float) -> NDArray[np.float32]:
    turn, lift = np.radians(azimuth), np.radians(_ELEVATION)
    around = np.array([[np.cos(turn), 0, -np.sin(turn)], [0, 1, 0], [np.sin(turn), 0, np.cos(turn)]])
    over = np.array([[1, 0, 0], [0, np.cos(lift), -np.sin(lift)], [0, np.sin(lift), np.cos(lift)]])
    rotation: NDArray[np.float32] = (over @ around).astype(np.float32)
    return rotation
