"""What an HTTP answer without a body to keep means for the one who asked: give up, or come back later.

Status codes and the Retry-After header, as errors. Keep out: redirects and bodies (`download`).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from orchestration.errors import OrchestrationError, PermanentError, TransientError

MAX_RETRY_AFTER_SECONDS = 3600.0

_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_LATER = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
_SECONDS = re.compile(r"[0-9]+")


class UnexpectedStatusError(PermanentError):
    """The server answered with a status that asking again will not change; `status` is its number."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class NotFoundError(UnexpectedStatusError):
    """There is nothing at this address: 404, 410 or a missing file (as 404)."""


def error_for_status(url: str, status: int, retry_after: str | None, *, now: datetime) -> OrchestrationError:
    """Return the error that a status stands for: transient for 408, 425, 429 and 5xx, else permanent."""
    message = f"{url} answered with status {status}"
    if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientError(message, retry_after=parse_retry_after(retry_after, now=now))
    if status in _GONE:
        return NotFoundError(message, status=status)
    return UnexpectedStatusError(message, status=status)


def parse_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, within one hour, or None when it says nothing usable.

    Both forms of RFC 9110 10.2.3: seconds, or an HTTP date. A date in the past means now.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), MAX_RETRY_AFTER_SECONDS)
    moment = http_date(text)
    return None if moment is None else min(max((moment - now).total_seconds(), 0.0), MAX_RETRY_AFTER_SECONDS)


def http_date(text: str) -> datetime | None:
    """Return the moment that a header's date names (RFC 9110 5.6.7), or None for what is none; no zone means UTC."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # no date, or a number that no date has
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
