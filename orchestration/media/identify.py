"""What an image's bytes are: format, size in pixels and whether all of it is there, without decoding it.

The verdict. Keep out: walking each format's structure (`containers`), limits (`image_rules`), or decoding
(`decoding`). A name, a URL or a header never counts: only the bytes do.
"""

from __future__ import annotations

import hashlib
import re
import struct
from typing import TYPE_CHECKING, NamedTuple

from orchestration.media.containers import scan_avif, scan_gif, scan_jpeg, scan_png, scan_webp
from orchestration.media.image_problems import ImageProblem, InvalidImageError
from orchestration.media.image_rules import ImageFacts, ImageHeader, IntakeRules, check_header

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestration.media.containers import Scan

_HEAD_BYTES = 1024
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|title|script|meta|div|p|h1)\b", re.IGNORECASE)
_SVG = re.compile(rb"<(?:svg|!doctype\s+svg)\b", re.IGNORECASE)
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_FOREIGN_FORMATS = {
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"BM": "BMP",
    b"8BPS": "a Photoshop document",
    b"%PDF-": "a PDF document",
    b"%!PS": "PostScript",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
}


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

    Raises InvalidImageError for anything else, for an image that breaks off, and for one whose header is above the
    usual limits (`IntakeRules`) or announces more than `max_pixels` in one frame.
    """
    header = read_header(data)
    check_header(header, IntakeRules(max_pixels=max_pixels))
    return header.facts


def read_header(data: bytes) -> ImageHeader:
    """Return what a complete JPEG, PNG, GIF, WebP or AVIF image announces, whatever that is.

    Raises InvalidImageError for anything else, and for an image that breaks off.
    """
    known = _format_of(data)
    if known is None:
        raise _stranger(data)
    try:
        scan = known.scan(data)
    except (IndexError, ValueError, struct.error) as error:
        raise InvalidImageError(ImageProblem.TRUNCATED, f"the {known.extension} image is cut off") from error
    facts = ImageFacts(known.mime, known.extension, scan.width, scan.height)
    return ImageHeader(facts, scan.frames, scan.scans)


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
    return not _brands(data).isdisjoint({b"avif", b"avis"})


def _brands(data: bytes) -> set[bytes]:
    """The brands of a file of boxes (ISO 14496-12): the major one, a version, and the compatible ones."""
    if data[4:8] != b"ftyp":
        return set()
    brands = data[8 : min(int.from_bytes(data[:4], "big"), _HEAD_BYTES)]
    return {brands[start : start + 4] for start in range(0, len(brands), 4)}


def _stranger(data: bytes) -> InvalidImageError:
    """Say what else the bytes look like, for the one who has to find out where they came from."""
    head = data[:_HEAD_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not data:
        return InvalidImageError(ImageProblem.EMPTY, "the file is empty")
    if _HTML.match(head):
        return InvalidImageError(ImageProblem.HTML, "the file is an HTML page, not an image")
    if head.startswith(b"<") and _SVG.search(head):
        return InvalidImageError(ImageProblem.SVG, "the file is an SVG drawing, which may carry scripts")
    if head.startswith((b"{", b"[")):
        return InvalidImageError(ImageProblem.JSON, "the file is JSON, not an image")
    if name := _foreign_format(data):
        return InvalidImageError(ImageProblem.UNSUPPORTED, f"the file is {name}, which is not taken")
    return InvalidImageError(ImageProblem.UNKNOWN, f"the file is no known image: it begins with {data[:12]!r}")


def _foreign_format(data: bytes) -> str | None:
    """The name of a picture format that we know and do not take."""
    if not _brands(data).isdisjoint(_HEIC_BRANDS):
        return "HEIC"
    return next((name for magic, name in _FOREIGN_FORMATS.items() if data.startswith(magic)), None)
