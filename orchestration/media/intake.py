"""Image intake: the pixels of a picture from outside, if the rules take it.

One function, from bytes or a file to upright sRGB pixels in memory. Keep out: what the rules are (`image_rules`), which
formats there are (`identify`), how colours are brought to sRGB (`decoding`), or smaller forms (`encodings`).

Time and memory are bounded by what the header announces, before anything is decoded: 8 bytes for each pixel beside the
decoder's own, which may be as much. Result and error can be pickled, so it may run in a process that can be killed.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from orchestration.media.decoding import decoding_errors, has_cmyk_profile, has_profile, is_cmyk, open_image, to_srgb
from orchestration.media.identify import read_header
from orchestration.media.image_problems import ImageProblem, InvalidImageError
from orchestration.media.image_rules import IntakeRules, check_header, check_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from orchestration.media.image_rules import ImageHeader

_UPRIGHT, _ORIENTATIONS = 1, range(1, 9)


class OriginalImage(NamedTuple):
    """What the file held: media type, extension, size in pixels as stored, and how its pixels were to be read.

    `orientation` is EXIF's, 1 (upright) to 8. `had_profile` is of a colour profile, fit or not.
    """

    mime: str
    extension: str
    width: int
    height: int
    frames: int
    orientation: int
    is_cmyk: bool
    had_profile: bool


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """An upright picture in sRGB: `pixels` is uint8 of height x width x 3, or x 4 with straight alpha."""

    pixels: npt.NDArray[np.uint8]
    original: OriginalImage

    @property
    def width(self) -> int:
        """In pixels, upright."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """In pixels, upright."""
        return int(self.pixels.shape[0])

    @property
    def has_alpha(self) -> bool:
        """Whether there is a fourth channel."""
        return bool(self.pixels.shape[2] > len("RGB"))


def take_in(source: bytes | Path, rules: IntakeRules | None = None, *, name: str | None = None) -> DecodedImage:
    """Decode a picture from outside, or refuse it by its content; its file name does not count.

    Grey, palette and 16-bit pixels become RGB of 8 bits, alpha is kept, the orientation is applied and the embedded
    profile too. Of an animation that the rules allow, the first frame. `name` stands in messages; a path's own name
    does by itself.

    Raises InvalidImageError, whose `code` says why and whose message ends with the remedy, and OSError for a path that
    cannot be read.
    """
    rules = rules or IntakeRules()
    with _named(name or (source.name if isinstance(source, Path) else None)):
        data = _read(source, rules)
        header = read_header(data)
        check_header(header, rules)
        with decoding_errors():
            image = open_image(data, header.facts)
            if rules.require_profile and is_cmyk(image) and not has_cmyk_profile(image):
                raise InvalidImageError(ImageProblem.NO_PROFILE, "the image is CMYK without a profile of its colours")
            return DecodedImage(_pixels(image), _original(header, image))


@contextmanager
def _named(item: str | None) -> Iterator[None]:
    """Put the item's name in front of what is wrong with it."""
    try:
        yield
    except InvalidImageError as error:
        raise InvalidImageError(error.code, error.reason, item) from error


def _read(source: bytes | Path, rules: IntakeRules) -> bytes:
    check_size(source.stat().st_size if isinstance(source, Path) else len(source), rules)
    return source.read_bytes() if isinstance(source, Path) else source


def _original(header: ImageHeader, image: Any) -> OriginalImage:  # noqa: ANN401 - pyvips has no types
    orientation = image.get("orientation") if image.get_typeof("orientation") else _UPRIGHT
    known = orientation if orientation in _ORIENTATIONS else _UPRIGHT
    return OriginalImage(*header.facts, header.frames, known, is_cmyk(image), has_profile(image))


def _pixels(image: Any) -> npt.NDArray[np.uint8]:  # noqa: ANN401 - pyvips has no types
    # Turned in memory: a picture that is decoded row by row cannot be read sideways.
    upright = to_srgb(image).copy_memory().autorot()
    shape = upright.height, upright.width, upright.bands
    return np.frombuffer(upright.write_to_memory(), dtype=np.uint8).reshape(shape)
