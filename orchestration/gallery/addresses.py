"""Addresses of media: which two are of one file, and how long one will work.

Keep out: fetching, and what is shown.

A store that signs its links gives a file another address at each signing. What signs an address is the query of one of
the common stores (S3, Google, Azure, CloudFront, Firebase, our own); other parameters may say which file it is.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

_SIGNING = re.compile(
    r"x-(?:amz|goog|ms|oss|cos)-.*|expires|signature|key-pair-id|policy|awsaccesskeyid|googleaccessid|token|sig|se|st|sp"
    r"|sv|sr|spr|sig[a-z]|sk[a-z]+|exp|hdn[a-z]+|filename",
    re.IGNORECASE,
)
# Where a moment is given in seconds since 1970, and where a time of signing with a number of seconds.
_ENDS = ("expires", "exp")
_SIGNED = (("x-amz-date", "x-amz-expires"), ("x-goog-date", "x-goog-expires"))


def unsigned(url: str) -> str:
    """The address without what signs it and without a fragment: the same for each link to one file."""
    address, _, query = url.partition("#")[0].partition("?")
    kept = [part for part in query.split("&") if part and not _SIGNING.fullmatch(part.partition("=")[0])]
    return "?".join([address, "&".join(kept)]) if kept else address


def ends_at(url: str) -> datetime | None:
    """When the address stops working; None for one that tells no end."""
    try:
        values = {name.lower(): value for name, value in parse_qsl(urlsplit(url).query)}
        return _end_of(values)
    except (ValueError, OverflowError):  # no URL, or a number that is no moment; it works as long as it works
        return None


def _end_of(values: Mapping[str, str]) -> datetime | None:
    for signed, seconds in _SIGNED:
        if signed in values and seconds in values:
            since = datetime.strptime(values[signed], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            return since + timedelta(seconds=int(values[seconds]))
    for name in _ENDS:
        if values.get(name, "").isdigit():
            return datetime.fromtimestamp(int(values[name]), UTC)
    if "se" in values and "sig" in values:
        end = datetime.fromisoformat(values["se"])
        return end if end.tzinfo else end.replace(tzinfo=UTC)
    return None
