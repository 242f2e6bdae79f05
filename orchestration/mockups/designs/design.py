"""A design as pixels: from bytes, a file, a URL or a text, taken in once.

The rules for designs, and the refusals in the codes of mockups. Keep out: decoding (`media.intake`), fetching
(`media.download`), setting text (`lettering`), and whether the design prints well (`readiness`).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from orchestration.media.identify import content_hash, read_header
from orchestration.media.image_problems import ImageProblem, InvalidImageError
from orchestration.media.image_rules import IntakeRules, check_header, check_size
from orchestration.media.intake import take_in
from orchestration.mockups.refusals import MockupRefusedError, RefusalCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from orchestration.media.download import Downloader
    from orchestration.media.image_rules import ImageFacts

    Pixels = NDArray[np.uint8]

DESIGN_RULES: Final = IntakeRules(
    formats=frozenset({"image/png", "image/jpeg", "image/webp"}),
    max_bytes=10 * 2**20,
    max_side=8192,
    max_frames=1,
    require_profile=True,
)
"""Which pictures are taken for designs."""

_CODES: Final = {
    ImageProblem.EMPTY: RefusalCode.FILE_UPLOAD_ERROR,
    ImageProblem.TRUNCATED: RefusalCode.FILE_UPLOAD_ERROR,
    ImageProblem.DAMAGED: RefusalCode.FILE_UPLOAD_ERROR,
    ImageProblem.TOO_MANY_BYTES: RefusalCode.FILE_TOO_LARGE,
    ImageProblem.TOO_MANY_PIXELS: RefusalCode.FILE_TOO_LARGE,
    ImageProblem.TOO_LONG_SIDE: RefusalCode.FILE_TOO_LARGE,
}
_OPAQUE: Final = 255


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """A design, upright in sRGB: `pixels` is uint8 of height x width x 4, with straight alpha.

    `has_alpha` tells whether the file had any; `sha256` is of the file, or of what a text was set from.
    """

    name: str
    pixels: Pixels
    sha256: str
    has_alpha: bool

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.pixels.shape[0])

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.width, self.height


def design_from_bytes(name: str, body: bytes) -> Design:
    """Take in a design.

    Raises:
        MockupRefusedError: the rules refuse it; the code says why, and the message begins with `name`.

    """
    with _refusals(name):
        taken = take_in(body, DESIGN_RULES)
    return Design(name, with_alpha(taken.pixels), content_hash(body), taken.has_alpha)


def check_design(name: str, body: bytes) -> ImageFacts:
    """Check a design by its header, without decoding it; returns its format and its size in pixels as stored.

    Raises:
        MockupRefusedError: the rules refuse it. What only decoding shows is not found: damage, a missing profile.

    """
    with _refusals(name):
        check_size(len(body), DESIGN_RULES)
        header = read_header(body)
        check_header(header, DESIGN_RULES)
    return header.facts


def read_design(path: Path) -> bytes:
    """Read a design's file, if it is one and not too large.

    Raises:
        MockupRefusedError: there is no such file, it cannot be read, or it is too large.

    """
    try:
        if path.stat().st_size > DESIGN_RULES.max_bytes:
            problem = f"{path.name}: the file has {path.stat().st_size} bytes, above the limit of 10 MiB"
            raise MockupRefusedError(RefusalCode.FILE_TOO_LARGE, problem, "send a smaller file")
        return path.read_bytes()
    except FileNotFoundError as error:
        problem = f"there is no design {path}"
        raise MockupRefusedError(RefusalCode.MISSING_FILE, problem, "name a file that exists") from error
    except OSError as error:
        problem = f"the design {path} cannot be read: {error.strerror}"
        raise MockupRefusedError(RefusalCode.FILE_READ_ERROR, problem, "name a file that can be read") from error


async def fetch_design(downloader: Downloader, url: str) -> bytes:
    """Fetch a design by the safe client; raises what it raises, of which TransientError may be tried again."""
    return (await downloader.get(url, max_bytes=DESIGN_RULES.max_bytes)).body


@contextmanager
def _refusals(name: str) -> Iterator[None]:
    """Give the refusal of a picture the code that callers of mockups know."""
    try:
        yield
    except InvalidImageError as error:
        code = _CODES.get(error.code, RefusalCode.INVALID_FILE_TYPE)
        raise MockupRefusedError(code, f"{name}: {error.reason}", error.code.remedy) from error


def with_alpha(pixels: Pixels) -> Pixels:
    """Return the pixels with an alpha channel, opaque if they had none."""
    if pixels.shape[2] == len("RGBA"):
        return pixels
    return np.concatenate([pixels, np.full((*pixels.shape[:2], 1), _OPAQUE, np.uint8)], axis=2)
