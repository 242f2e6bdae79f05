"""The light of a garment as transfer matrices: what each point sees of some hundred directions, and over one bounce.

Precomputed radiance transfer (Sloan, Kautz, Snyder, 2002) without a fixed basis: the matrix of all directions is
cut down to its strongest components afterwards. Keep out: lamps (`views.studio`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from orchestration.mockups.garments.mesh import Transfer

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

DIRECTIONS: Final = 384
# How far a ray starts above its own surface, metres.
_ABOVE: Final = 7e-4


def sphere_directions(count: int = DIRECTIONS) -> NDArray[np.float32]:
    """Unit vectors (count, 3) that share the sphere evenly: a Fibonacci spiral."""
    height = 1 - 2 * (np.arange(count) + 0.5) / count
    turn = (np.arange(count) + 0.5) * np.pi * (3 - 5**0.5)
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(turn), height, radius * np.sin(turn)], axis=1).astype(np.float32)


class Bake:
    """Rays against one mesh."""

    def __init__(self, points: NDArray[np.float64], triangles: NDArray[np.int64], vertex_of: NDArray[np.int64]) -> None:
        """`vertex_of`: the row of the transfer matrices that a corner of the mesh belongs to."""
        import trimesh
        from trimesh.ray.ray_pyembree import RayMeshIntersector

        self._mesh = trimesh.Trimesh(points, triangles, process=False)
        self._rays = RayMeshIntersector(self._mesh)
        self._vertex_of = vertex_of
        self._rows = int(vertex_of.max()) + 1

    def direct(
        self, points: NDArray[np.float64], normals: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], csr_array]:
        """The transfer matrix (points, directions), and which rows' both sides each point sees, weighted.

        The second matrix is (points, 2 * rows): outer sides first, then inner sides.
        """
        from scipy.sparse import coo_array

        seen = np.zeros((len(points), DIRECTIONS), np.float32)
        rows, columns, weights = [], [], []
        faces = self._mesh.face_normals
        for number, direction in enumerate(sphere_directions().astype(np.float64)):
            cosine = normals @ direction
            facing = np.nonzero(cosine > 0)[0]
            start = points[facing] + normals[facing] * _ABOVE
            hit = self._rays.intersects_first(start, np.repeat(direction[None], len(facing), 0))
            share = cosine[facing] * 4 / DIRECTIONS
            seen[facing, number] = np.where(hit < 0, share, 0)
            struck = hit >= 0
            corner = self._mesh.faces[hit[struck], number % 3]
            inner = faces[hit[struck]] @ direction > 0
            rows.append(facing[struck])
            columns.append(self._vertex_of[corner] + inner * self._rows)
            weights.append(share[struck])
        entries = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns)))
        return seen, coo_array(entries, shape=(len(points), 2 * self._rows)).tocsr()


def compress(matrix: NDArray[np.float32], rank: int) -> Transfer:
    """The strongest `rank` components of a transfer matrix."""
    values, vectors = np.linalg.eigh(matrix.T.astype(np.float64) @ matrix)
    basis = vectors[:, np.argsort(values)[::-1][:rank]].T.astype(np.float32)
    return Transfer(matrix @ basis.T, basis)
