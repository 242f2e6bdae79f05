"""Smaller and lighter renderings of an image: for shop windows, previews and placeholders.

Making an image smaller and encoding it. Keep out: decoding it (`decoding`), where renditions are kept, or which images
get them. All encoding is libvips'.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestration.media.decoding import decoding_errors, open_image, to_srgb
from orchestration.media.identify import identify
from orchestration.media.image_rules import MAX_PIXELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestration.media.image_rules import ImageFacts

_BLUR_BOX = 20
_BLUR_QUALITY = 40
PREVIEW_BYTES = 4400  # below 6 kB once in base64
_PREVIEW_QUALITIES = (70, 45, 25, 10)


class RenditionFormat(StrEnum):
    """The format of a rendition; the value is its file extension."""

    JPEG = "jpg"
    WEBP = "webp"
    AVIF = "avif"

    @property
    def mime(self) -> str:
        """The media type."""
        return "image/jpeg" if self is RenditionFormat.JPEG else f"image/{self.value}"


@dataclass(frozen=True, slots=True)
class RenditionSpec:
    """What to render: within a square of `box` pixels, never enlarged, at an encoder's `quality` (0-100).

    `effort` is what WebP (0-6) and AVIF (0-9) spend on compression.
    """

    name: str
    format: RenditionFormat
    box: int
    quality: int
    effort: int = 0


# Measured on drawn pictures of 1500 pixels a side: WebP at effort 1 takes 60 ms, a third of effort 4, for no more
# bytes; AVIF at effort 1 takes 130 ms, a third of effort 2, for fewer. More effort first pays at several times that.
DEFAULT_RENDITIONS = (
    RenditionSpec("thumbnail", RenditionFormat.JPEG, box=400, quality=75),
    RenditionSpec("webp", RenditionFormat.WEBP, box=2048, quality=85, effort=1),
    RenditionSpec("avif", RenditionFormat.AVIF, box=2048, quality=60, effort=1),
)

BLUR = RenditionSpec("blur", RenditionFormat.WEBP, box=_BLUR_BOX, quality=_BLUR_QUALITY)


class EncodedRendition(NamedTuple):
    """An encoded rendition and its size in pixels, upright."""

    name: str
    mime: str
    extension: str
    width: int
    height: int
    body: bytes


def encode_renditions(
    data: bytes,
    specs: Sequence[RenditionSpec] = DEFAULT_RENDITIONS,
    *,
    max_pixels: int = MAX_PIXELS,
    threads: int = 1,
) -> list[EncodedRendition]:
    """Render each rendition of an image: upright, in sRGB, without metadata, transparency white in JPEG.

    Of an animation, the first frame. `threads` bounds what one call keeps busy. Raises InvalidImageError for what
    `identify` refuses and for a picture that cannot be decoded to its end.
    """
    with decoding_errors():
        picture = _open(data, max(spec.box for spec in specs), max_pixels=max_pixels, threads=threads)
        return [_render(picture, spec) for spec in specs]


def preview_data_url(
    data: bytes, *, size: int = 160, max_pixels: int = MAX_PIXELS, max_bytes: int = PREVIEW_BYTES
) -> str:
    """Return the image within `size` x `size` pixels as a data URL of `max_bytes` before base64, smaller if need be.

    Raises InvalidImageError as `encode_renditions` does.
    """
    with decoding_errors():
        picture = _open(data, size, max_pixels=max_pixels, threads=1)
        previews = (_render(picture, spec) for spec in _preview_specs(size))
        return data_url(next(preview for preview in previews if len(preview.body) <= max_bytes))


def _preview_specs(size: int) -> Iterator[RenditionSpec]:
    """Give ever lighter previews, down to a single pixel: noise and soft edges hardly compress."""
    for quality in _PREVIEW_QUALITIES:
        yield RenditionSpec("preview", RenditionFormat.WEBP, box=size, quality=quality)
    while size := size // 2:
        yield RenditionSpec("preview", RenditionFormat.WEBP, box=size, quality=_PREVIEW_QUALITIES[-1])


def data_url(rendition: EncodedRendition) -> str:
    """A small rendition as a URL that holds it."""
    return f"data:{rendition.mime};base64,{base64.b64encode(rendition.body).decode()}"


def _open(data: bytes, box: int, *, max_pixels: int, threads: int) -> Any:  # noqa: ANN401 - pyvips has no types
    """Decode once to an upright picture within the box, in memory."""
    facts = identify(data, max_pixels=max_pixels)
    image = open_image(data, facts, shrink=_shrink_on_load(facts, box), threads=threads)
    return to_srgb(image.thumbnail_image(box, height=box, size="down")).copy_memory()


def _shrink_on_load(facts: ImageFacts, box: int) -> int:
    """A JPEG is decoded at 1/2, 1/4 or 1/8, down to a pixel; the last halving is left to the better filter."""
    if facts.mime != "image/jpeg":
        return 1
    long, short = max(facts.width, facts.height), min(facts.width, facts.height)
    return next((n for n in (8, 4, 2) if long >= 2 * n * box and short >= n), 1)


def _render(picture: Any, spec: RenditionSpec) -> EncodedRendition:  # noqa: ANN401 - pyvips has no types
    image = picture.thumbnail_image(spec.box, height=spec.box, size="down")
    return EncodedRendition(
        spec.name, spec.format.mime, spec.format.value, image.width, image.height, _encode(image, spec)
    )


def _encode(image: Any, spec: RenditionSpec) -> bytes:  # noqa: ANN401 - pyvips has no types
    if spec.format is RenditionFormat.JPEG:
        flat = image.flatten(background=255) if image.hasalpha() else image
        body = flat.jpegsave_buffer(Q=spec.quality, optimize_coding=True, keep="none")
    elif spec.format is RenditionFormat.WEBP:
        body = image.webpsave_buffer(Q=spec.quality, effort=spec.effort, keep="none")
    else:
        body = image.heifsave_buffer(Q=spec.quality, effort=spec.effort, compression="av1", keep="none")
    return bytes(body)
