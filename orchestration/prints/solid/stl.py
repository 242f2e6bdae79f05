"""Binary STL, little-endian: 80 bytes of header, a count, and 50 bytes a triangle.

Source: the StereoLithography Interface Specification, 3D Systems, 1989.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from orchestration.errors import InvalidInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orchestration.prints.solid.mesh import Mesh

HEADER_LENGTH: Final = 80
_RECORD: Final = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_COUNT_LENGTH: Final = 4


def write_stl(mesh: Mesh, title: str) -> bytes:
    """Return the file of a solid; `title`, in ASCII and not starting with `solid`, is cut at 80 for the header."""
    records = np.zeros(len(mesh.triangles), _RECORD)
    records["corners"] = mesh.corners.T
    records["normal"] = (mesh.normals / np.where(mesh.lengths > 0, mesh.lengths, 1)).T
    header = title.encode("ascii", "replace")[:HEADER_LENGTH].ljust(HEADER_LENGTH)
    return b"".join([header, np.uint32(len(records)).tobytes(), records.data])


def read_stl(data: bytes) -> NDArray[np.float32]:
    """Return the triangles of a binary STL file, of shape (m, 3, 3).

    Raises:
        InvalidInputError: the file's length is not what its count says.

    """
    start = HEADER_LENGTH + _COUNT_LENGTH
    count = int.from_bytes(data[HEADER_LENGTH:start], "little")
    if len(data) != start + count * _RECORD.itemsize:
        raise InvalidInputError(f"an STL file of {count} triangles cannot have {len(data)} bytes")
    corners: NDArray[np.float32] = np.frombuffer(data, _RECORD, offset=start)["corners"]
    return corners
