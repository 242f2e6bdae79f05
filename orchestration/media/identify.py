"""What an image's bytes are: format, size in pixels and whether all of it is there, without decoding it.

Belongs here: the verdict. Does not: walking each format's structure (`containers`), or decoding (`variants`). A name,
a URL or a header never counts: only the bytes do.
"""

from __future__ import annotations

import hashlib
import re
import struct
from typing import TYPE_CHECKING, NamedTuple

from orchestration.media.containers import scan_avif, scan_gif, scan_jpeg, scan_png, scan_webp
from orchestration.media.image_problems import ImageProblem, InvalidImageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestration.media.containers import Scan

_HEAD_BYTES = 1024
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|title|script|meta|div|p|h1)\b", re.IGNORECASE)
_SVG = re.compile(rb"<(?:svg|!doctype\s+svg)\b", re.IGNORECASE)


class ImageFacts(NamedTuple):
    """Format and size of an image; width and height in pixels as stored, before any rotation that metadata asks for."""

    mime: str
    extension: str
    width: int
    height: int


class _Format(NamedTuple):
    mime: str
    extension: str
    scan: Callable[[bytes], Scan]


_JPEG = _Format("image/jpeg", "jpg", scan_jpeg)
_PNG = _Format("image/png", "png", scan_png)
_GIF = _Format("image/gif", "gif", scan_gif)
_WEBP = _Format("image/webp", "webp", scan_webp)
_AVIF = _Format("image/avif", "avif", scan_avif)


def content_hash(data: bytes) -> str:
    """Return the SHA-256 of the bytes in lower-case hex, the name of an object in the store."""
    return hashlib.sha256(data).hexdigest()


def identify(data: bytes, *, max_pixels: int) -> ImageFacts:
    """Return format and size of a complete JPEG, PNG, GIF, WebP or AVIF image.

    Raises InvalidImageError for anything else, for an image that breaks off, and for one whose headers announce more
    than `max_pixels` in all its frames together.
    """
    known = _format_of(data)
    if known is None:
        raise _stranger(data)
    try:
        scan = known.scan(data)
    except (IndexError, ValueError, struct.error) as error:
        raise InvalidImageError(ImageProblem.TRUNCATED, f"the {known.extension} image is cut off") from error
    if scan.width < 1 or scan.height < 1:
        raise InvalidImageError(ImageProblem.NO_SIZE, f"the {known.extension} image is {scan.width} x {scan.height}")
    if scan.width * scan.height * scan.frames > max_pixels:
        raise InvalidImageError(
            ImageProblem.TOO_MANY_PIXELS,
            f"the {known.extension} image announces {scan.width} x {scan.height} pixels in {scan.frames} frame(s), "
            f"above the limit of {max_pixels}",
        )
    return ImageFacts(known.mime, known.extension, scan.width, scan.height)


def _format_of(data: bytes) -> _Format | None:
    """Tell the format by its first bytes."""
    if data.startswith(b"\xff\xd8\xff"):
        return _JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _PNG
    if data.startswith((b"GIF87a", b"GIF89a")):
        return _GIF
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _WEBP
    return _AVIF if _is_avif(data) else None


def _is_avif(data: bytes) -> bool:
    # The brands: the major one, a version, then the compatible ones, to the end of the box.
    if data[4:8] != b"ftyp":
        return False
    brands = data[8 : min(int.from_bytes(data[:4], "big"), _HEAD_BYTES)]
    return any(brands[start : start + 4] in {b"avif", b"avis"} for start in range(0, len(brands), 4))


def _stranger(data: bytes) -> InvalidImageError:
    """Say what else the bytes look like, for whoever has to find out where they came from."""
    head = data[:_HEAD_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not data:
        return InvalidImageError(ImageProblem.EMPTY, "the file is empty")
    if _HTML.match(head):
        return InvalidImageError(ImageProblem.HTML, "the file is an HTML page, not an image")
    if head.startswith(b"<") and _SVG.search(head):
        return InvalidImageError(ImageProblem.SVG, "the file is an SVG drawing, which may carry scripts: send pixels")
    if head.startswith((b"{", b"[")):
        return InvalidImageError(ImageProblem.JSON, "the file is JSON, not an image")
    return InvalidImageError(ImageProblem.UNKNOWN, f"the file is no known image: it begins with {data[:12]!r}")
