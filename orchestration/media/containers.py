"""The structure of image files: the size that their headers announce, and whether they reach their end.

One scan for each format, which reads headers and steps from block to block, and decodes nothing. Keep out: telling the
formats apart (`identify`), or limits (`image_rules`). Where a file breaks off, reading on raises IndexError, ValueError
or struct.error, and the caller says so; the scans raise InvalidImageError for the rest.
"""

from __future__ import annotations

import re
from struct import unpack_from
from typing import TYPE_CHECKING, NamedTuple

from orchestration.media.image_problems import ImageProblem, InvalidImageError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Far above any honest file; one that is built to be slow to walk ends here, or at its own length.
_MAX_STEPS = 200_000


class Scan(NamedTuple):
    """Width and height in pixels, the number of frames, and how many scans of a JPEG draw its one frame."""

    width: int
    height: int
    frames: int = 1
    scans: int = 1


def _truncated(what: str) -> InvalidImageError:
    return InvalidImageError(ImageProblem.TRUNCATED, f"the image is cut off: {what}")


def _damaged(what: str) -> InvalidImageError:
    return InvalidImageError(ImageProblem.DAMAGED, f"the image is damaged: {what}")


_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_END, _JPEG_SCAN = 0xD9, 0xDA
# Passed over, as decoders do: fill bytes, escaped bytes, restart marks and codes that are reserved.
_JPEG_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd9-\xfe]")


def scan_jpeg(data: bytes) -> Scan:
    """Scan a JPEG (ITU T.81 annex B): the frame header, and every scan up to the end marker.

    What follows the end (padding, a second picture) is nobody's loss.
    """
    size, scans, marker = None, 0, 0
    for marker, position in _jpeg_segments(data):
        scans += marker == _JPEG_SCAN
        if marker in _JPEG_SIZES and size is None:
            height, width = unpack_from(">HH", data, position + 5)
            size = Scan(width, height)
    if marker != _JPEG_END:
        raise _truncated("its end marker is missing")
    if size is None:
        raise InvalidImageError(ImageProblem.NO_SIZE, "the image has no frame header")
    if not scans:
        raise _damaged("it has no scan")
    return size._replace(scans=scans)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield each marker with its position up to the end marker, or up to where there is no further marker.

    A scan's data need no step of their own: within them 0xFF is always escaped.
    """
    position = 2
    for _ in range(_MAX_STEPS):
        found = _JPEG_MARKER.search(data, position)
        if found is None:
            return
        marker, position = data[found.start() + 1], found.start()
        yield marker, position
        if marker == _JPEG_END:
            return
        position += 2 + unpack_from(">H", data, position + 2)[0]
    raise _damaged("countless segments")


def scan_png(data: bytes) -> Scan:
    """Scan a PNG (W3C PNG 5): the header chunk, the frame count of an animation, and every chunk up to IEND."""
    kind, width, height = unpack_from(">4sII", data, 12)
    if kind != b"IHDR":
        raise _damaged("its first chunk is not IHDR")
    frames, position = 1, 8
    for _ in range(_MAX_STEPS):
        length, kind = unpack_from(">I4s", data, position)
        if kind == b"acTL":
            frames = unpack_from(">I", data, position + 8)[0]
        position += 12 + length
        if kind == b"IEND":
            break
    if kind != b"IEND" or position > len(data):
        raise _truncated("its end chunk is missing")
    return Scan(width, height, max(frames, 1))


_GIF_PADDING, _GIF_EXTENSION, _GIF_IMAGE, _GIF_TRAILER = 0x00, 0x21, 0x2C, 0x3B


def scan_gif(data: bytes) -> Scan:
    """Scan a GIF (GIF89a): the screen, widened by frames that stick out of it, and every block up to the trailer.

    A trailer that is missing behind a whole frame, and zeros between blocks, are passed over as browsers do.
    """
    width, height, flags = unpack_from("<HHB", data, 6)
    position, frames = 13 + _palette_bytes(flags), 0
    for _ in range(_MAX_STEPS):
        kind = _GIF_TRAILER if frames and position == len(data) else data[position]
        if kind == _GIF_TRAILER:
            return Scan(width, height, max(frames, 1))
        position += 1
        if kind == _GIF_PADDING:
            continue
        if kind == _GIF_IMAGE:
            left, top, frame_width, frame_height, flags = unpack_from("<HHHHB", data, position)
            width, height, frames = max(width, left + frame_width), max(height, top + frame_height), frames + 1
            position += 10 + _palette_bytes(flags)
        elif kind == _GIF_EXTENSION:
            position += 1
        else:
            raise _damaged(f"a block of the unknown kind {kind:#x}")
        position = _skip_gif_data(data, position)
    raise _damaged("countless blocks")


def _palette_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_gif_data(data: bytes, position: int) -> int:
    for _ in range(_MAX_STEPS):
        length = data[position]
        position += length + 1
        if not length:
            return position
    raise _damaged("a frame of countless blocks")


def scan_webp(data: bytes) -> Scan:
    """Scan a WebP (RFC 9649): the size from the first chunk's header, and every chunk up to the announced end."""
    end = 8 + unpack_from("<I", data, 4)[0]
    if end > len(data):
        raise _truncated(f"{len(data)} of {end} bytes")
    kinds: list[bytes] = []
    position = 12
    while position < end and len(kinds) < _MAX_STEPS:
        kind, length = unpack_from("<4sI", data, position)
        kinds.append(kind)
        position += 8 + length + length % 2
    if position > end + 1:  # some writers leave out the last padding byte
        raise _truncated("its last chunk is incomplete")
    width, height = _webp_size(data, kinds[0] if kinds else b"")
    return Scan(width, height, max(kinds.count(b"ANMF"), 1))


def _webp_size(data: bytes, kind: bytes) -> tuple[int, int]:
    if kind == b"VP8X":
        low_width, high_width, low_height, high_height = unpack_from("<HBHB", data, 24)
        return 1 + low_width + (high_width << 16), 1 + low_height + (high_height << 16)
    if kind == b"VP8L":
        bits = unpack_from("<I", data, 21)[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise _damaged(f"its first chunk is {kind!r}")


class _Box(NamedTuple):
    kind: bytes
    start: int
    end: int


def scan_avif(data: bytes) -> Scan:
    """Scan an AVIF still (ISO 14496-12, 23008-12): the largest size property, and every top-level box to its end.

    A picture made of tiles announces the size of a tile and of the whole; the whole is the largest.
    """
    boxes = list(_boxes(data, 0, len(data)))
    metas = [box for box in boxes if box.kind == b"meta"]
    if not metas:
        raise _truncated("its description is missing")
    inner = list(_boxes(data, metas[0].start + 4, metas[0].end))
    if not any(box.kind in {b"mdat", b"idat"} for box in (*boxes, *inner)):
        raise _truncated("its picture data is missing")
    properties = [kid for box in inner if box.kind == b"iprp" for kid in _boxes(data, box.start, box.end)]
    sizes = [
        Scan(*unpack_from(">II", data, kid.start + 4))
        for box in properties
        if box.kind == b"ipco"
        for kid in _boxes(data, box.start, box.end)
        if kid.kind == b"ispe"
    ]
    if not sizes:
        raise InvalidImageError(ImageProblem.NO_SIZE, "the image announces no size")
    return max(sizes, key=lambda size: size.width * size.height)


def _boxes(data: bytes, start: int, end: int) -> Iterator[_Box]:
    for _ in range(_MAX_STEPS):
        if start >= end:
            return
        size, kind = unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1:
            size, body = unpack_from(">Q", data, body)[0], body + 8
        stop = start + size if size else end
        if stop < body:
            raise _damaged("a box that is shorter than its own header")
        if stop > end:
            raise _truncated(f"its {kind.decode('latin-1')} box is incomplete")
        yield _Box(kind, body, stop)
        start = stop
    raise _damaged("countless boxes")
