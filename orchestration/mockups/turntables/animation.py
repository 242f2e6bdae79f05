"""Frames as an animated WebP or AVIF, for places that take pictures and no videos.

Keep out: rendering frames, and the video (`video`).
"""

from __future__ import annotations

import io
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from orchestration.mockups.mockup_request import AnimationFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

WEBP: Final = "image/webp"
MIME: Final = {AnimationFormat.WEBP: WEBP, AnimationFormat.AVIF: "image/avif"}
# The fastest ways: the others take several times as long for a tenth of the bytes.
_OPTIONS: Final[dict[AnimationFormat, dict[str, int | str]]] = {
    AnimationFormat.WEBP: {"quality": 72, "method": 0},
    # Chromium takes sequences for limited range, also where they say otherwise.
    AnimationFormat.AVIF: {"quality": 65, "speed": 10, "max_threads": 1, "range": "limited"},
}
# Boxes that say when they were written (ISO/IEC 14496-12, version 1): name, version and flags, then twice 64 bits.
_DATED: Final = (b"mvhd\x01", b"tkhd\x01", b"mdhd\x01")


def write_animation(frames: Sequence[Pixels], form: AnimationFormat, *, seconds: float) -> bytes:
    """Encode opaque frames that follow one another in a circle of `seconds`, uint8 of height x width x 4."""
    from PIL import Image

    images = [Image.fromarray(np.ascontiguousarray(frame[:, :, :3])) for frame in frames]
    starts = [round(1000 * seconds * number / len(frames)) for number in range(len(frames) + 1)]
    file = io.BytesIO()
    images[0].save(
        file,
        form.value,
        save_all=True,
        append_images=images[1:],
        duration=[after - before for before, after in pairwise(starts)],
        loop=0,
        **_OPTIONS[form],
    )
    return _undated(file.getvalue()) if form is AnimationFormat.AVIF else file.getvalue()


def _undated(body: bytes) -> bytes:
    """An AVIF without the time of its making, so that the same frames make the same bytes."""
    undated, end = bytearray(body), body.index(b"mdat")
    for box in _DATED:
        at = body.find(box, 0, end)
        while at >= 0:
            undated[at + 8 : at + 24] = bytes(16)
            at = body.find(box, at + 1, end)
    return bytes(undated)
