"""Why bytes are refused as an image.

Belongs here: the reasons, and the error that carries one. Does not: finding them (`identify`, `containers`,
`variants`).
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
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    NO_SIZE = "no_size"
    TOO_MANY_PIXELS = "too_many_pixels"


class InvalidImageError(InvalidInputError):
    """The bytes are no image that we take; `code` says why."""

    def __init__(self, code: ImageProblem, message: str) -> None:
        super().__init__(message)
        self.code = code
