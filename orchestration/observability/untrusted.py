"""Words of strangers on their way out: made harmless for the place where they are shown.

One function for each place: a terminal or log, a cell of a spreadsheet, Markdown. HTML is written by templates, which
escape by themselves. Keep out: deciding what is shown.

A name, prompt or file of a feed may hold anything. A terminal obeys control characters, a spreadsheet runs what looks
like a formula, and Dagster's UI loads the images that Markdown names.
"""

from __future__ import annotations

import re
import unicodedata

# Controls but for a line's end and a tab; and what turns the direction of text around or is not seen at all.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_MARKS = re.compile(r"[\\`\[\]<>~]")
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = re.compile(r"\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?%?")


def for_terminal(text: str) -> str:
    """The text with what a terminal obeys or hides written out, as a number or a name; lines and tabs stay."""
    return _UNSEEN.sub(lambda found: _named(found[0]), text)


def for_json_line(text: str) -> str:
    """A line of JSON with the same characters as escapes, so that it says the same and can be looked at."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def for_spreadsheet(text: str) -> str:
    """The text as a cell that no program takes for a formula: such a one gets an apostrophe; numbers stay numbers."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def for_markdown(text: str) -> str:
    """The text as one line of Markdown without links, images, code or HTML, and nothing struck out."""
    return _MARKS.sub(r"\\\g<0>", for_terminal(" ".join(text.splitlines())))


def _named(character: str) -> str:
    number = ord(character)
    return f"<{unicodedata.name(character)}>" if unicodedata.name(character, "") else f"\\x{number:02x}"
