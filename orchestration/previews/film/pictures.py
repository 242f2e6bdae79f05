"""Pages as files: the poster as PNG, the pictures of a storyboard as small WebP.

Encoding stills. Keep out: which frames these are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestration.previews.film.canvas import Pixels

STILL_WIDTH = 320
_STILL_QUALITY = 70
_COMPRESSION = 6


def png(pixels: Pixels) -> bytes:
    """A frame as PNG."""
    body: bytes = _image(pixels).pngsave_buffer(compression=_COMPRESSION)
    return body


def small_webp(pixels: Pixels) -> bytes:
    """A frame as WebP, `STILL_WIDTH` pixels wide."""
    image = _image(pixels)
    body: bytes = image.thumbnail_image(STILL_WIDTH, height=4 * STILL_WIDTH).webpsave_buffer(Q=_STILL_QUALITY, effort=1)
    return body


def _image(pixels: Pixels) -> Any:  # noqa: ANN401 - pyvips has no types
    import pyvips

    image = pyvips.Image.new_from_array(pixels)
    return image.copy(interpretation="srgb")
