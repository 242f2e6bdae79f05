"""The six angles of the stills, in their order.

Angles are named for the wearer: `left_90deg` and `front_45deg_left` stand at the wearer's left. Keep out: the camera.
"""

from __future__ import annotations

from typing import Final

from orchestration.errors import InvalidInputError

# Degrees around the garment, from its front towards the wearer's left.
AZIMUTHS: Final = {
    "front_0deg": 0.0,
    "left_90deg": 90.0,
    "right_270deg": 270.0,
    "back_180deg": 180.0,
    "front_45deg_left": 45.0,
    "front_45deg_right": 315.0,
}
ANGLES: Final = tuple(AZIMUTHS)


def azimuth_of(angle: str) -> float:
    """Degrees around the garment of one of `ANGLES`. Raises `InvalidInputError` for another one."""
    if angle not in AZIMUTHS:
        raise InvalidInputError(f"no angle {angle!r}; there are {', '.join(ANGLES)}")
    return AZIMUTHS[angle]
