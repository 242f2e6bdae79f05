"""What of an item may be shown to everyone: lists of what is, never of what is not.

Fields by their names, and what a person is called. A field that nobody listed is private, however harmless it looks: an
app that begins to write one has not thought of this page. Keep out: when an item is shown (`merge`).

A name or picture that holds an e-mail address is no name: many apps fill it in until the user chooses one. The
comparison of the mirror with its source decides the same by SQL (`reconcile`).
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# What optimisers add to a picture or video. It belongs to one address, and dies with it.
OPTIMISED = ("thumbnailUrl", "avifUrl", "webpUrl", "blurDataUrl", "posterUrl", "optimized", "optimizedAt")

# Of a document, beside its media and what columns say: plain values and lists of them.
ITEM_FIELDS = frozenset({
    "prompt", "userPrompt", "lyrics", "model", "tags", "frameSize", "aspectRatio", "aspect_ratio", "style", "quality",
    "resolution", "duration", "seed", "characterName",
})  # fmt: skip
# Of an image, video or sound.
MEDIA_FIELDS = frozenset({
    "id", "url", "storagePath", "originalUrl", "thumbUrl", "aestheticScore", "width", "height", "size", "duration",
    "format", "prompt", *OPTIMISED,
})  # fmt: skip
# Of the judgement of one.
JUDGEMENT = "aesthetic"
JUDGEMENT_FIELDS = frozenset({"score", "average_score", "frames_sampled"})

# An e-mail address in a name, also in full-width letters or within a URL.
PERSONAL = r"@|\uff20|%40"
_PERSONAL = re.compile(PERSONAL)
_WEB = re.compile("https?://", re.IGNORECASE)
# The types of plain values, as JSON is read; looked up by type, since every field of every item is.
_PLAIN = frozenset({str, bool, int, float, Decimal})


def shown_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """The plain fields of a document that may be shown; fields without a value are left out."""
    return _plain_fields(document, ITEM_FIELDS)


def shown_medium(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What of a medium's entry may be shown."""
    shown = _plain_fields(entry, MEDIA_FIELDS)
    judgement = entry.get(JUDGEMENT)
    if isinstance(judgement, dict) and (judged := _plain_fields(judgement, JUDGEMENT_FIELDS)):
        shown[JUDGEMENT] = judged
    return shown


def shown_name(name: object) -> str | None:
    """What a person may be called; None for what is no name."""
    return name if isinstance(name, str) and name and not _PERSONAL.search(name) else None


def shown_photo(url: object) -> str | None:
    """The address of a person's picture, when it is one that may be shown."""
    photo = shown_name(url)
    return photo if photo and _WEB.match(photo) else None


def _plain_fields(values: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {
        name: value
        for name, value in values.items()
        if name in names
        and (type(value) in _PLAIN or (isinstance(value, list) and _PLAIN.issuperset(map(type, value))))
    }
