"""Why bytes are refused as an image.

The reasons with their remedies, and the error that carries one. Keep out: finding them (`identify`, `containers`,
`image_rules`, `decoding`).
"""

from __future__ import annotations

from enum import StrEnum

from orchestration.errors import InvalidInputError


class ImageProblem(StrEnum):
    """The reason, for a table or a metric."""

    EMPTY = "empty"
    HTML = "html"
    SVG = "svg"
    JSON = "json"
    UNKNOWN = "unknown"
    UNSUPPORTED = "unsupported"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    NO_SIZE = "no_size"
    TOO_MANY_BYTES = "too_many_bytes"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_LONG_SIDE = "too_long_side"
    TOO_MANY_SCANS = "too_many_scans"
    TOO_SLOW = "too_slow"
    ANIMATED = "animated"
    NO_PROFILE = "no_profile"

    @property
    def remedy(self) -> str:
        """What the sender can do about it."""
        return _REMEDIES[self]


_REMEDIES = {
    ImageProblem.EMPTY: "send the picture itself",
    ImageProblem.HTML: "send the picture itself",
    ImageProblem.SVG: "send the drawing as PNG",
    ImageProblem.JSON: "send the picture itself",
    ImageProblem.UNKNOWN: "send JPEG or PNG",
    ImageProblem.UNSUPPORTED: "send JPEG or PNG",
    ImageProblem.TRUNCATED: "send the whole file",
    ImageProblem.DAMAGED: "export the picture again",
    ImageProblem.NO_SIZE: "export the picture again",
    ImageProblem.TOO_MANY_BYTES: "send a smaller file",
    ImageProblem.TOO_MANY_PIXELS: "send a smaller picture",
    ImageProblem.TOO_LONG_SIDE: "send a smaller picture",
    ImageProblem.TOO_MANY_SCANS: "save it without the progressive option",
    ImageProblem.TOO_SLOW: "save it without the progressive option, or smaller",
    ImageProblem.ANIMATED: "send a still picture",
    ImageProblem.NO_PROFILE: "save it in sRGB, or embed its colour profile",
}


class InvalidImageError(InvalidInputError):
    """The bytes are no image that we take; `code` says why, and the message ends with the remedy.

    `item` is the name of the file, where the one who raises it knows one.
    """

    def __init__(self, code: ImageProblem, reason: str, item: str | None = None) -> None:
        super().__init__(f"{f'{item}: ' if item else ''}{reason}; {code.remedy}")
        self.code = code
        self.reason = reason
        self.item = item

    def __reduce__(self) -> tuple[type[InvalidImageError], tuple[ImageProblem, str, str | None]]:
        """Come whole out of a render process."""
        return InvalidImageError, (self.code, self.reason, self.item)
