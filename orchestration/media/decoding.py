"""Decoding an identified image with libvips, and bringing its colours to sRGB.

One way for every picture from outside. Keep out: whether a picture is taken at all (`identify`, `image_rules`), pixels
for other code (`intake`), or encoding (`encodings`).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from orchestration.media.image_problems import ImageProblem, InvalidImageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.media.image_rules import ImageFacts

_PROFILE = "icc-profile-data"

_LOADERS = {
    "image/jpeg": "jpegload_buffer",
    "image/png": "pngload_buffer",
    "image/gif": "gifload_buffer",
    "image/webp": "webpload_buffer",
    "image/avif": "heifload_buffer",
}


@contextmanager
def decoding_errors() -> Iterator[None]:
    """Turn libvips' complaints into an InvalidImageError about the picture."""
    import pyvips

    try:
        yield
    except pyvips.Error as error:
        reason = " ".join(str(error).split())
        raise InvalidImageError(ImageProblem.DAMAGED, f"the image cannot be decoded: {reason}") from error


def open_image(data: bytes, facts: ImageFacts, *, shrink: int = 1, threads: int = 1) -> Any:  # noqa: ANN401 - pyvips has no types
    """Open an image with the loader of its format and no other; its pixels are decoded once, when they are read.

    `shrink` is 1, 2, 4 or 8, and for JPEG only: the picture is decoded at that fraction for next to nothing. `threads`
    bounds what libvips keeps busy in this process. Raises InvalidImageError when the picture is larger than announced.
    """
    import pyvips

    pyvips.concurrency_set(threads)
    pyvips.cache_set_max(0)  # each picture is seen once; a cache would only hold on to its memory
    options = {"shrink": shrink} if shrink > 1 else {}
    image = getattr(pyvips.Image, _LOADERS[facts.mime])(data, access="sequential", fail_on="error", **options)
    if image.width * image.height > facts.width * facts.height:
        raise InvalidImageError(
            ImageProblem.DAMAGED,
            f"the image has {image.width} x {image.height} pixels, and announces {facts.width} x {facts.height}",
        )
    return image


def has_profile(image: Any) -> bool:  # noqa: ANN401 - pyvips has no types
    """Tell whether a colour profile is embedded, fit or not."""
    return bool(image.get_typeof(_PROFILE))


def is_cmyk(image: Any) -> bool:  # noqa: ANN401 - pyvips has no types
    """Tell whether the pixels are print colours."""
    return str(image.interpretation) == "cmyk"


def has_cmyk_profile(image: Any) -> bool:  # noqa: ANN401 - pyvips has no types
    """Tell whether the embedded profile is one of print colours (ICC.1 7.2: data colour space, signature)."""
    profile = bytes(image.get(_PROFILE)) if has_profile(image) else b""
    return profile[16:20] == b"CMYK" and profile[36:40] == b"acsp"


def to_srgb(image: Any) -> Any:  # noqa: ANN401 - pyvips has no types
    """Bring an image to sRGB in 8 bits, with its alpha: by the embedded profile, or without one that is unfit."""
    if has_profile(image):
        image = image.icc_transform("srgb", embedded=True, input_profile="srgb", depth=8)
    return image.colourspace("srgb")
