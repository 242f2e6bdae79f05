"""Why a mockup is refused: the codes that programs read, and the error that carries one.

Keep out: finding the reasons, and HTTP statuses. The codes are those of the service that this one replaces, so that its
callers need not change.
"""

from __future__ import annotations

from enum import StrEnum

from orchestration.errors import InvalidInputError


class RefusalCode(StrEnum):
    """The reason, for a program."""

    MISSING_FILE = "MISSING_FILE"
    FILE_UPLOAD_ERROR = "FILE_UPLOAD_ERROR"
    FILE_TOO_LARGE = "FILE_TOO_LARGE"
    FILE_READ_ERROR = "FILE_READ_ERROR"
    INVALID_FILE_TYPE = "INVALID_FILE_TYPE"
    INVALID_COLOR = "INVALID_COLOR"
    VALIDATION_ERROR = "VALIDATION_ERROR"


class MockupRefusedError(InvalidInputError):
    """A mockup cannot be made of what was sent; the message names the item and ends with the remedy."""

    def __init__(self, code: RefusalCode, problem: str, remedy: str) -> None:
        super().__init__(code, problem, remedy)
        self.code = code
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}; {self.remedy}"
