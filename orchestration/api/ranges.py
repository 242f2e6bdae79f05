"""Ranges of bytes (RFC 9110 14): which part of an object a caller asks for.

Keep out: reading the part.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from orchestration.api.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Mapping

_RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.IGNORECASE)


class ByteRange(NamedTuple):
    """`length` bytes from `start` on."""

    start: int
    length: int


def requested_range(headers: Mapping[str, str], size: int, etag: str | None) -> ByteRange | None:
    """The part of `size` bytes that the headers ask for; None for all of it.

    None too, as the RFC allows, for several ranges, for what is no range, and for an If-Range of another version.
    Raises `ProblemError` 416 for a range that begins behind the end.
    """
    match = _RANGE.fullmatch(headers.get("range", ""))
    if match is None or not (match[1] or match[2]) or headers.get("if-range", etag) != etag:
        return None
    if match[1]:
        start = int(match[1])
        end = min(size, int(match[2]) + 1) if match[2] else size
        if match[2] and int(match[2]) < start:
            return None
    else:
        start, end = max(0, size - int(match[2])), size
    if start >= end:
        headers = {"Content-Range": f"bytes */{size}"}
        detail = f"The object has {size} bytes, and none in this range"
        raise ProblemError(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "range_not_satisfiable", detail, headers=headers)
    return ByteRange(start, end - start)
