"""What goes wrong between us and an object store, as errors of this package.

The errors themselves, and the translation of the library's. Keep out: what is done with objects (`objects`).
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestration.errors import InvalidInputError, NotFoundError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator

_USER = re.compile(r"(?<=://)[^/?#@\s]*@")
_STATUS = re.compile(r"status code: \d{3}")
_RANGE = re.compile(r"status code: 416|range", re.IGNORECASE)


class MissingObjectError(NotFoundError):
    """No object has this key."""


class RangeNotSatisfiableError(InvalidInputError):
    """The object ends before the range of bytes begins; `size` is the object's, in bytes."""

    def __init__(self, message: str, *, size: int) -> None:
        super().__init__(message)
        self.size = size


def without_secrets(text: str) -> str:
    """The text without what stands between `://` and `@` in its URLs."""
    return _USER.sub("", text)


def cause(error: Exception) -> str:
    """The library's message without the debug dump that it appends, and without secrets."""
    return without_secrets(str(error).partition("\n")[0])


def is_out_of_range(error: Exception) -> bool:
    """Tell whether the library's error may be about a range of bytes: it has no type for that."""
    return bool(_RANGE.search(cause(error)))


@contextmanager
def store_errors(url: str) -> Iterator[None]:
    """Turn the library's errors into `TransientError`, which says whether the store answered and what."""
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, OSError) as error:
        raise TransientError(
            f"The object store {without_secrets(url)} {_verdict(error, url)}: {cause(error)}"
        ) from error


def _verdict(error: Exception, url: str) -> str:
    from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

    if isinstance(error, PermissionDeniedError | PermissionError | UnauthenticatedError):
        return "refused the request, check its credentials and rights"
    if url.startswith("file:"):
        return "failed"
    return "answered with an error" if _STATUS.search(str(error)) else "did not answer"
