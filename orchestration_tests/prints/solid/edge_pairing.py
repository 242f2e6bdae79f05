"""An independent judge of STL files: plain Python on the bytes, sharing nothing with the code under test.

A solid is closed when each directed edge, by the exact bytes of its two ends, occurs once, and its reverse once.
"""

from __future__ import annotations

import struct
from collections import Counter


def triangles(data: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """Return the corners of each triangle of a binary STL file, each as its twelve bytes."""
    (count,) = struct.unpack_from("<I", data, 80)
    assert len(data) == 84 + 50 * count
    starts = range(84, len(data), 50)
    return [(data[at + 12 : at + 24], data[at + 24 : at + 36], data[at + 36 : at + 48]) for at in starts]


def is_closed(data: bytes) -> bool:
    """Tell whether every edge of a binary STL file joins exactly two triangles, in opposite directions."""
    edges: Counter[tuple[bytes, bytes]] = Counter()
    for a, b, c in triangles(data):
        edges.update(((a, b), (b, c), (c, a)))
    return bool(edges) and all(
        count == 1 and start != end and edges[end, start] == 1 for (start, end), count in edges.items()
    )


def volume(data: bytes) -> float:
    """Return the signed volume of a binary STL file in mm³."""
    total = 0.0
    for corners in triangles(data):
        (ax, ay, az), (bx, by, bz), (cx, cy, cz) = (struct.unpack("<fff", corner) for corner in corners)
        total += ax * (by * cz - bz * cy) - ay * (bx * cz - bz * cx) + az * (bx * cy - by * cx)
    return total / 6
