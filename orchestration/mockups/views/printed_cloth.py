"""The printed cloth laid flat, as a texture for engines and viewers that light it themselves.

Keep out: the template art that people look at (`composites.flat_art`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from orchestration.mockups.views.cloth_details import NEUTRAL
from orchestration.mockups.views.compose import encoded, lay_ink, reflectance
from orchestration.mockups.views.passes import BYTE_STEPS, kept_tone_map

if TYPE_CHECKING:
    from orchestration.mockups.artwork import Artwork
    from orchestration.mockups.views.compose import Picture


def printed_cloth(artwork: Artwork) -> Picture:
    """What the cloth reflects, with its thread and its ink, as sRGB codes (canvas, canvas, 3)."""
    import cv2

    tones = np.arange(BYTE_STEPS + 1, dtype=np.float32)[:, None] / NEUTRAL
    table = encoded(np.minimum(tones * reflectance(artwork.fabric), 1))
    tone = kept_tone_map(artwork.garment)
    cloth = np.asarray(cv2.merge([cv2.LUT(tone, np.ascontiguousarray(table[:, k])) for k in range(3)]), np.uint8)
    for layer in artwork.ink:
        lay_ink(cloth, layer)
    return cloth
