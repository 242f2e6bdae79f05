"""The languages of the feed: which comes first, and texts by language.

It holds their order, drops blank texts, and makes names plain. Keep out: which fields there are.

Documents are read in this order and not in their own, so that a document whose keys come in another order gives the
same records.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, TypeVar

from orchestration.catalogue.labels import tidy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from orchestration.catalogue.documents.model import ByLanguage

T = TypeVar("T")

# Every supplier sends nl and de; en, fr and es are missing from some.
READING_ORDER = ("nl", "de", "en", "fr", "es")
NAMING_ORDER = ("en", "nl", "de", "fr", "es")


def in_order(by_language: Mapping[str, T]) -> list[tuple[str, T]]:
    """The pairs in reading order; languages that are not in it come last, by code."""
    pairs = [(language, by_language[language]) for language in READING_ORDER if language in by_language]
    if len(pairs) < len(by_language):
        pairs += sorted((pair for pair in by_language.items() if pair[0] not in READING_ORDER), key=lambda p: p[0])
    return pairs


def texts(pairs: Iterable[tuple[str, T]], pick: Callable[[T], str | None]) -> ByLanguage:
    """The text of each language that has one."""
    return {language: text for language, block in pairs if (text := pick(block)) and not text.isspace()}


def plain_texts(pairs: Iterable[tuple[str, T]], pick: Callable[[T], str | None]) -> ByLanguage:
    """The name of each language that has one, as plain text."""
    found = ((language, plain_text(text)) for language, block in pairs if (text := pick(block)))
    return {language: text for language, text in found if text}


def plain_text(name: str) -> str:
    """A name as people read it: `T&amp;C&nbsp;cup` is `T&C cup`. Descriptions are HTML, and stay as they are sent."""
    return tidy(html.unescape(name)) if "&" in name or not name.isascii() else name.strip()


def first_text(values: Iterable[str | None]) -> str | None:
    """The first that is not blank."""
    return next((text for text in values if text and not text.isspace()), None)


def display_name(names: ByLanguage) -> str | None:
    """The name to show where one language must do: English if there is one, else Dutch, else the first."""
    preferred = (names[language] for language in NAMING_ORDER if language in names)
    return next(preferred, next(iter(names.values()), None))
