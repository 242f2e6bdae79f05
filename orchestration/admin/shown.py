"""How values look: times, sizes, durations, states. The filters of the templates.

Keep out: HTML, which the templates write and escape.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_HEX = re.compile(r"#[0-9A-Fa-f]{6}")
_GOOD = {
    "completed",
    "active",
    "success",
    "done",
    "healthy",
    "delivered",
    "replayed",
    "alive",
    "public",
    "fine",
    "resolved",
    "SUCCESS",
}
_BAD = {
    "failed",
    "dead",
    "refused",
    "lost",
    "quarantined",
    "given up",
    "regressed",
    "corrupt",
    "FAILURE",
    "removed",
    "critical",
    "wrong",
    "private",
}
_BUSY = {
    "running",
    "rendering",
    "compositing",
    "started",
    "in_progress",
    "importing_families",
    "mirroring_images",
    "STARTED",
    "STARTING",
    "mirrored",
    "under way",
}
_WARN = {
    "paused",
    "look at it",
    "stopped",
    "held back",
    "delayed",
    "cancelled",
    "gone",
    "warning",
    "CANCELED",
    "never",
    "inactive",
}
LONGEST_WORD, LONGEST_PHRASE = 16, 30
_SLASH = re.compile(r"/(?=\w)")
_WORD_ENDS = re.compile(r"[\s/-]+")
NOTHING: Final = "\u2013"
"""What stands where there is no value."""

_UNITS: Final = ("B", "kB", "MB", "GB", "TB")


class Said(NamedTuple):
    """What an action reported, on the page after it."""

    is_good: bool
    text: str


def whole(value: float | None) -> str:
    """A number with thin spaces between the thousands."""
    if value is None:
        return NOTHING
    rounded = f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
    return rounded.replace(",", "\u202f")


def size(value: float | None) -> str:
    """A number of bytes."""
    if value is None:
        return NOTHING
    for unit in _UNITS:
        if value < 1000 or unit == _UNITS[-1]:  # noqa: PLR2004 - decimal units
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError


def span(value: float | None) -> str:
    """A duration in seconds, in the two units that say most."""
    if value is None:
        return NOTHING
    if value < 0.9995:  # noqa: PLR2004 - what is shown as a second is one
        return f"{1000 * value:.0f} ms"
    if value < 60:  # noqa: PLR2004 - a minute
        return f"{value:.1f} s".replace(".0 ", " ")
    for length, unit, smaller, name in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if value >= length:
            rest = int(value % length // smaller)
            return f"{int(value // length)} {unit}" + (f" {rest} {name}" if rest else "")
    raise AssertionError


def utc(value: datetime | date | None) -> str:
    """A time in UTC, to the second; a day as it is."""
    if value is None:
        return NOTHING
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else value.isoformat()


def clock(value: datetime) -> str:
    """The time of day in UTC."""
    return f"{value.astimezone(UTC):%H:%M:%S}"


def machine(value: datetime) -> str:
    """A time as programs read it."""
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def tone(state: object) -> str:
    """The colour of a state: good, bad, busy, warn or plain."""
    word = str(state)
    tones = (("good", _GOOD), ("bad", _BAD), ("busy", _BUSY), ("warn", _WARN))
    return next((name for name, words in tones if word in words), "plain")


def words(value: object) -> str:
    """A value of any form as one line of words."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return utc(value)
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def pretty(value: Any) -> str:  # noqa: ANN401 - any JSON
    """JSON for reading."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def breakable(value: object) -> Markup:
    """A key or an address that may go on in the next line after its slashes."""
    return Markup(_SLASH.sub("/<wbr>", str(escape(words(value)))))  # noqa: S704 - it is escaped


def width_class(value: object) -> str:
    """The class of a text's cell: `long` for one whose words must be broken, `prose` for a sentence or more."""
    if not isinstance(value, str):
        return ""
    if any(len(word) > LONGEST_WORD for word in _WORD_ENDS.split(value)):
        return "long"
    return "prose" if len(value) > LONGEST_PHRASE else ""


def is_colour(value: object) -> bool:
    """Whether a text is a colour in hex, which may be drawn."""
    return isinstance(value, str) and _HEX.fullmatch(value) is not None


def trend(counts: Sequence[float], beside: Sequence[float] = (), width: int = 120, height: int = 28) -> str:
    """The points of a line over these counts, for an SVG of that size; `beside` are those that share its scale."""
    most = max(1, *counts, *beside)
    step = width / max(1, len(counts) - 1)
    return " ".join(
        f"{place * step:.1f},{height - 2 - (height - 4) * one / most:.1f}" for place, one in enumerate(counts)
    )


def say(text: str, *, is_good: bool) -> str:
    """A report as a cookie holds it."""
    return ("+" if is_good else "-") + base64.urlsafe_b64encode(text[:600].encode()).decode()


def said(cookie: str) -> Said | None:
    """The report of a cookie; None for what is none."""
    try:
        return Said(cookie[:1] == "+", base64.urlsafe_b64decode(cookie[1:]).decode())
    except (ValueError, UnicodeDecodeError):
        return None


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "whole": whole,
    "size": size,
    "span": span,
    "utc": utc,
    "clock": clock,
    "machine": machine,
    "tone": tone,
    "words": words,
    "pretty": pretty,
    "is_colour": is_colour,
    "breakable": breakable,
    "width_class": width_class,
    "trend": trend,
}
