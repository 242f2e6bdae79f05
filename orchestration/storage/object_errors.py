"""What goes wrong between us and an object store, as errors of this package.

The errors themselves, and the translation of the library's. Keep out: what is done with objects (`objects`).
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from orchestration.errors import InvalidInputError, NotFoundError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator

# A secret key of S3 may hold `/` and be pasted as it is: behind a user's colon all belongs to it, to the last `@`. A
# colon and a number are a port.
_USER = re.compile(r"(?<=://)(?:[^/?#@\s:]*:(?!\d{1,5}(?:[/?#]|$))\S*|[^/?#@\s]*)@")
_SECRET_FIELD = re.compile(
    r"([?&][^=&#\s]*(?:secret|token|password|signature|credential|access_key)[^=&#\s]*=)[^&#\s]*", re.IGNORECASE
)
_STATUS = re.compile(r"status code: \d{3}")
_RANGE = re.compile(r"status code: 416|range", re.IGNORECASE)

VERDICTS: Final = ("refused", "failed", "answered", "unreachable")
"""What is said of an error of the store: see `_verdict`."""

errors_seen: Final[Counter[str]] = Counter()
"""How many errors of the store this process has seen, by verdict: for its metrics."""


class MissingObjectError(NotFoundError):
    """No object has this key."""


class RangeNotSatisfiableError(InvalidInputError):
    """The object ends before the range of bytes begins; `size` is the object's, in bytes."""

    def __init__(self, message: str, *, size: int) -> None:
        super().__init__(message)
        self.size = size


def without_secrets(text: str) -> str:
    """The text without what stands between `://` and `@` in its URLs, and without secret values of their queries."""
    return _SECRET_FIELD.sub(r"\1...", _USER.sub("", text))


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
        verdict = _verdict(error, url)
        errors_seen[verdict] += 1
        raise TransientError(f"The object store {without_secrets(url)} {_WORDS[verdict]}: {cause(error)}") from error


_WORDS = dict(
    zip(
        VERDICTS,
        (
            "refused the request, check its credentials and rights",
            "failed",
            "answered with an error",
            "did not answer",
        ),
        strict=True,
    )
)


def _verdict(error: Exception, url: str) -> str:
    from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

    if isinstance(error, PermissionDeniedError | PermissionError | UnauthenticatedError):
        return "refused"
    if url.startswith("file:"):
        return "failed"
    return "answered" if _STATUS.search(str(error)) else "unreachable"
