"""What shops' exports, forms and phones do to a customer's text before it comes here.

By kind: what has one meaning is read as that, with a note for a person; what has lost its meaning is refused; what may
be meant is printed, with a note. Keep out: characters that cannot be drawn (`lettering.text`), and cells (`orders`).

| kind | example | what is done |
| --- | --- | --- |
| full-width forms | `AB12` as wide as Chinese letters | folded to plain letters |
| HTML entities, line breaks | `Tom &amp; Jo`, `Anna<br>Lea` | decoded, with a note |
| HTML | `<b>Anna</b>` | refused |
| UTF-8 read as Windows-1252 | `ZoÃ«` | refused, with the likely text |
| letters that were lost | `Zo` and U+FFFD | refused |
| placeholders | `Not requested on this item.`, `n/a` | refused |
| words of programs that may be names | `None`, `Nan` | printed, with a note |
| labels of forms | `Personalization: Anna` | printed, with a note |
| escapes, lost letters that may be meant | `Anna%20Lea`, `Zo?` | printed, with a note |
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final, NamedTuple

from orchestration.lettering.errors import TextError

_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_MOST_LAYERS: Final = 3
"""`&amp;amp;` was encoded twice."""
_BREAK: Final = re.compile(r"<\s*(?:br|/p|/div)\s*/?\s*>", re.IGNORECASE)
_TAG: Final = re.compile(
    r"</?(a|b|big|center|div|em|font|h[1-6]|i|img|li|p|script|small|span|strong|style|sub|sup|table|td|tr|u|ul)\b[^<>]*>",
    re.IGNORECASE,
)
_PLACEHOLDER: Final = re.compile(
    r"(not requested( on this item)?|no (personali[sz]ation|custom(i[sz]ed)? text|text|engraving)( requested)?|"
    r"personali[sz]ation not requested|not applicable|not specified|n/a|see (notes?|message|attachment))",
    re.IGNORECASE,
)
_MAY_BE_A_NAME: Final = frozenset({"none", "null", "nan", "na", "nil", "undefined", "tbc", "tba", "true", "false"})
_LABEL: Final = re.compile(
    r"(personali[sz](ation|ed)( text)?|custom(i[sz]ation| text)?|(first |last |full )?names?|text|line ?\d*|"
    r"colou?rs?( ?\d)?|font|message|engraving|initials|note|option ?\d*)\s*[:=]",
    re.IGNORECASE,
)
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[nrt](?=[A-Z\d]|\\|$))|%[0-9A-F]{2}")
_LOST_LETTER: Final = re.compile(r"\w\?\w|\?\w|[a-z]\?$")
_LOST: Final = "\ufffd"
_WIDE: Final = re.compile("[\uff01-\uff5e\u3000]+")


class Repaired(NamedTuple):
    """A text as it was meant, and what a person should look at."""

    text: str
    notes: tuple[str, ...] = ()


def repaired(text: str) -> Repaired:
    """Return the text as it was meant.

    Raises `TextError` for one that has lost its meaning; the message says what is wrong.
    """
    folded = _folded(text)
    _check_letters(folded)
    plain = _decoded(folded)
    if _TAG.search(plain):
        raise TextError("the text holds HTML tags", "type the text alone")
    _check_letters(plain)
    bare = " ".join(plain.split()).strip(" .!-_*()[]")
    if _PLACEHOLDER.fullmatch(bare):
        raise TextError(f"{bare!r} is what a shop writes for no text", "ask for the text of the product")
    notes = [f"the text came as {text!r} and was read as {plain!r}"] if plain != folded else []
    return Repaired(plain, (*notes, *_doubts(plain, bare)))


def _doubts(text: str, bare: str) -> list[str]:
    notes = []
    if bare.casefold() in _MAY_BE_A_NAME:
        notes.append(f"{bare!r} may be a program's word for no text")
    lines = (line.strip() for line in re.split(r"\r\n|[\n\\/]", text))
    labels = [label[0] for line in lines if (label := _LABEL.match(line))]
    notes += [f"{label!r} may be the label of a form, and no part of the text" for label in labels]
    if escape := _ESCAPE.search(text):
        notes.append(f"{escape[0]!r} may stand for another character")
    if _LOST_LETTER.search(text):
        notes.append("a question mark may stand for a letter that was lost")
    return notes


def _folded(text: str) -> str:
    """Fold full-width letters, digits and signs, and the wide space, as phones in Japan and China type them."""
    return _WIDE.sub(lambda wide: unicodedata.normalize("NFKC", wide[0]), text)


def _decoded(text: str) -> str:
    plain = _BREAK.sub("\n", text)
    for _ in range(_MOST_LAYERS):
        decoded = _BREAK.sub("\n", _ENTITY.sub(lambda entity: html.unescape(entity[0]), plain))
        if decoded == plain:
            break
        plain = decoded
    return plain


def _check_letters(text: str) -> None:
    if _LOST in text:
        raise TextError("a letter was lost on the way (U+FFFD)", "ask for the text again")
    if (meant := _as_utf8(text)) is not None:
        raise TextError(f"{text!r} was read in the wrong encoding", f"write {meant!r}, if that is meant")


def _as_utf8(text: str) -> str | None:
    """Return what a text was if its UTF-8 was read as Windows-1252 or Latin-1, else None."""
    if text.isascii():
        return None
    for encoding in ("cp1252", "latin-1"):
        try:
            return text.encode(encoding).decode()
        except UnicodeError:
            continue
    return None
