"""Which images are taken: the limits that a header is held against before anything is decoded.

The rules of a caller, what a header says, and its check. Keep out: reading headers (`identify`), decoding
(`decoding`), and rules for URLs (`rules`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from orchestration.media.image_problems import ImageProblem, InvalidImageError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PIXELS = 80_000_000
MAX_BYTES = 64 * 2**20
# Encoders write 10 to 20 scans. Each costs a pass over all pixels, and takes hardly a byte in the file.
MAX_SCANS = 100
# A pass takes some 10 ns a pixel: this is a picture of 60 million pixels in 10 scans, decoded in about 6 s.
MAX_SCANNED_PIXELS = 600_000_000

_AVIF = "image/avif"
_FORMATS = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", _AVIF})
# An AVIF is decoded in one piece, at 15 bytes for each pixel; the other formats take 4 to 8.
_AVIF_WEIGHT = 2


class ImageFacts(NamedTuple):
    """Format and size of an image; width and height in pixels as stored, before any rotation that metadata asks for."""

    mime: str
    extension: str
    width: int
    height: int


class ImageHeader(NamedTuple):
    """What the header announces: format and size, the frames of an animation, the scans of a JPEG."""

    facts: ImageFacts
    frames: int
    scans: int


@dataclass(frozen=True, slots=True)
class IntakeRules:
    """Which images a caller takes; the defaults hold for every picture from outside.

    `formats` are media types. `max_bytes` is the size of the file; `max_side` and `max_pixels` are of one frame, in
    pixels, as its header announces them; a pixel of an AVIF counts twice, for the memory that it takes. `max_frames`
    is of an animation, of which the first frame is used, and `max_scans` of a JPEG, whose scans together may draw
    `MAX_SCANNED_PIXELS`. None allows any number.
    `require_profile` refuses CMYK without a usable colour profile, which is otherwise read as common print colours.
    """

    formats: frozenset[str] = _FORMATS
    max_bytes: int = MAX_BYTES
    max_side: int | None = None
    max_pixels: int = MAX_PIXELS
    max_frames: int | None = None
    max_scans: int = MAX_SCANS
    require_profile: bool = False


def check_size(size: int, rules: IntakeRules) -> None:
    """Raise InvalidImageError when a file of `size` bytes is above the limit."""
    if size > rules.max_bytes:
        raise InvalidImageError(
            ImageProblem.TOO_MANY_BYTES, f"the file has {size} bytes, above the limit of {rules.max_bytes}"
        )


def check_header(header: ImageHeader, rules: IntakeRules) -> None:
    """Raise InvalidImageError when the rules forbid what the header announces; each rule has a code of its own."""
    for problem, reason in _violations(header, rules):
        raise InvalidImageError(problem, reason)


def _violations(header: ImageHeader, rules: IntakeRules) -> Iterator[tuple[ImageProblem, str]]:
    mime, extension, width, height = header.facts
    what, size = f"the {extension} image", f"{width} x {height} pixels"
    max_pixels = rules.max_pixels // (_AVIF_WEIGHT if mime == _AVIF else 1)
    if mime not in rules.formats:
        yield ImageProblem.UNSUPPORTED, f"the file is {extension}, which is not taken here"
    if width < 1 or height < 1:
        yield ImageProblem.NO_SIZE, f"{what} is {width} x {height}"
    if width * height > max_pixels:
        yield ImageProblem.TOO_MANY_PIXELS, f"{what} announces {size}, above the limit of {max_pixels}"
    if rules.max_side is not None and max(width, height) > rules.max_side:
        yield ImageProblem.TOO_LONG_SIDE, f"{what} announces {size}, above the limit of {rules.max_side} a side"
    if rules.max_frames is not None and header.frames > rules.max_frames:
        yield ImageProblem.ANIMATED, f"{what} has {header.frames} frames, above the limit of {rules.max_frames}"
    if header.scans > rules.max_scans:
        yield ImageProblem.TOO_MANY_SCANS, f"{what} has {header.scans} scans, above the limit of {rules.max_scans}"
    if header.scans > 1 and header.scans * width * height > MAX_SCANNED_PIXELS:
        drawn = f"draws {size} in {header.scans} scans"
        yield ImageProblem.TOO_MANY_SCANS, f"{what} {drawn}, above the limit of {MAX_SCANNED_PIXELS} in all"
