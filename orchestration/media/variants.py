"""Smaller and lighter renderings of an image: for shop windows, previews and placeholders.

Belongs here: decoding an identified image once, bringing it upright and to sRGB, and encoding it. Does not: where
variants are kept, or which images get them. All decoding and encoding is libvips'.
"""

from __future__ import annotations

import base64
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestration.media.identify import identify
from orchestration.media.image_problems import ImageProblem, InvalidImageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestration.media.identify import ImageFacts

MAX_PIXELS = 80_000_000

_BLUR_BOX = 20
_BLUR_QUALITY = 40
PREVIEW_BYTES = 4400  # below 6 kB once in base64
_PREVIEW_QUALITIES = (70, 45, 25, 10)

_LOADERS = {
    "image/jpeg": "jpegload_buffer",
    "image/png": "pngload_buffer",
    "image/gif": "gifload_buffer",
    "image/webp": "webpload_buffer",
    "image/avif": "heifload_buffer",
}


class VariantFormat(StrEnum):
    """The format of a variant; the value is its file extension."""

    JPEG = "jpg"
    WEBP = "webp"
    AVIF = "avif"

    @property
    def mime(self) -> str:
        """The media type."""
        return "image/jpeg" if self is VariantFormat.JPEG else f"image/{self.value}"


@dataclass(frozen=True, slots=True)
class VariantSpec:
    """What to render: within a square of `box` pixels, never enlarged, at an encoder's `quality` (0-100).

    `effort` is what WebP (0-6) and AVIF (0-9) spend on compression.
    """

    name: str
    format: VariantFormat
    box: int
    quality: int
    effort: int = 0


# Measured on drawn pictures of 1500 pixels a side: WebP at effort 1 takes 60 ms, a third of effort 4, for no more
# bytes; AVIF at effort 1 takes 130 ms, a third of effort 2, for fewer. More effort first pays at several times that.
DEFAULT_VARIANTS = (
    VariantSpec("thumbnail", VariantFormat.JPEG, box=400, quality=75),
    VariantSpec("webp", VariantFormat.WEBP, box=2048, quality=85, effort=1),
    VariantSpec("avif", VariantFormat.AVIF, box=2048, quality=60, effort=1),
)


class RenderedVariant(NamedTuple):
    """An encoded variant and its size in pixels, upright."""

    name: str
    mime: str
    extension: str
    width: int
    height: int
    body: bytes


def render_variants(
    data: bytes,
    specs: Sequence[VariantSpec] = DEFAULT_VARIANTS,
    *,
    max_pixels: int = MAX_PIXELS,
    threads: int = 1,
) -> list[RenderedVariant]:
    """Render each variant of an image: upright, in sRGB, without metadata, transparency white in JPEG.

    Of an animation, the first frame. `threads` bounds what one call keeps busy. Raises InvalidImageError for what
    `identify` refuses and for a picture that cannot be decoded to its end.
    """
    with _decoding():
        picture = _open(data, max(spec.box for spec in specs), max_pixels=max_pixels, threads=threads)
        return [_render(picture, spec) for spec in specs]


def blur_placeholder(data: bytes, *, max_pixels: int = MAX_PIXELS) -> str:
    """Return the image within 20 x 20 pixels as a data URL, to be shown blurred until the real one arrives.

    Raises InvalidImageError as `render_variants` does.
    """
    spec = VariantSpec("blur", VariantFormat.WEBP, box=_BLUR_BOX, quality=_BLUR_QUALITY)
    return _data_url(*render_variants(data, (spec,), max_pixels=max_pixels))


def preview_data_url(
    data: bytes, *, size: int = 160, max_pixels: int = MAX_PIXELS, max_bytes: int = PREVIEW_BYTES
) -> str:
    """Return the image within `size` x `size` pixels as a data URL of `max_bytes` before base64, smaller if need be.

    Raises InvalidImageError as `render_variants` does.
    """
    with _decoding():
        picture = _open(data, size, max_pixels=max_pixels, threads=1)
        previews = (_render(picture, spec) for spec in _preview_specs(size))
        return _data_url(next(preview for preview in previews if len(preview.body) <= max_bytes))


def _preview_specs(size: int) -> Iterator[VariantSpec]:
    """Give ever lighter previews, down to a single pixel: noise and soft edges hardly compress."""
    for quality in _PREVIEW_QUALITIES:
        yield VariantSpec("preview", VariantFormat.WEBP, box=size, quality=quality)
    while size := size // 2:
        yield VariantSpec("preview", VariantFormat.WEBP, box=size, quality=_PREVIEW_QUALITIES[-1])


def _data_url(variant: RenderedVariant) -> str:
    return f"data:{variant.mime};base64,{base64.b64encode(variant.body).decode()}"


@contextmanager
def _decoding() -> Iterator[None]:
    """Turn libvips' complaints into a verdict on the picture."""
    import pyvips

    try:
        yield
    except pyvips.Error as error:
        reason = " ".join(str(error).split())
        raise InvalidImageError(ImageProblem.DAMAGED, f"the image cannot be decoded: {reason}") from error


def _open(data: bytes, box: int, *, max_pixels: int, threads: int) -> Any:  # noqa: ANN401 - pyvips has no types
    """Decode once, with the loader of the identified format and no other, to a picture within the box in memory."""
    import pyvips

    facts = identify(data, max_pixels=max_pixels)
    pyvips.concurrency_set(threads)
    pyvips.cache_set_max(0)  # each picture is seen once; a cache would only hold on to its memory
    load = getattr(pyvips.Image, _LOADERS[facts.mime])
    image = load(data, access="sequential", fail_on="error", **_shrink_on_load(facts, box))
    image = image.thumbnail_image(box, height=box, size="down")
    if image.get_typeof("icc-profile-data"):
        image = image.icc_transform("srgb", embedded=True, input_profile="srgb", depth=8)
    return image.colourspace("srgb").copy_memory()


def _shrink_on_load(facts: ImageFacts, box: int) -> dict[str, int]:
    # A JPEG decodes at 1/2, 1/4 or 1/8 for next to nothing; the last halving is left to the better filter.
    if facts.mime != "image/jpeg":
        return {}
    return {"shrink": next((n for n in (8, 4, 2) if max(facts.width, facts.height) >= 2 * n * box), 1)}


def _through_profile(image: Any, *, fallback: str) -> Any:  # noqa: ANN401 - pyvips has no types
    """Bring the image to sRGB by its embedded profile, or by the fallback when that is missing or unfit."""
    return image.icc_transform("srgb", embedded=True, input_profile=fallback, depth=8)


def _render(picture: Any, spec: VariantSpec) -> RenderedVariant:  # noqa: ANN401 - pyvips has no types
    image = picture.thumbnail_image(spec.box, height=spec.box, size="down")
    return RenderedVariant(
        spec.name, spec.format.mime, spec.format.value, image.width, image.height, _encode(image, spec)
    )


def _encode(image: Any, spec: VariantSpec) -> bytes:  # noqa: ANN401 - pyvips has no types
    if spec.format is VariantFormat.JPEG:
        flat = image.flatten(background=255) if image.hasalpha() else image
        body = flat.jpegsave_buffer(Q=spec.quality, optimize_coding=True, keep="none")
    elif spec.format is VariantFormat.WEBP:
        body = image.webpsave_buffer(Q=spec.quality, effort=spec.effort, keep="none")
    else:
        body = image.heifsave_buffer(Q=spec.quality, effort=spec.effort, compression="av1", keep="none")
    return bytes(body)
