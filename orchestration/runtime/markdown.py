"""Tables and pictures as Dagster's UI shows them beside an event.

Belongs here: the form. Does not: what is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.errors import OrchestrationError
from orchestration.media.variants import preview_data_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestration.storage.objects import ObjectStore

SHOWN_ROWS = 25
SHOWN_TEXT = 80
# A picture costs 3 ms and 1 kB in the event log: the first items of a run show one each.
PICTURES_PER_RUN = 40
# Dagster's UI shows Markdown of fewer than 1,000 characters in place, and hides more behind a link. In base64, with
# the rest of the image tag, this stays below.
PICTURE_PIXELS = 96
PICTURE_BYTES = 700


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, limit: int = SHOWN_ROWS) -> str:
    """A Markdown table of the first rows, and how many more there are."""
    lines = [" | ".join(_cell(cell) for cell in row) for row in rows]
    head = f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}"
    more = f"\n\n... and {len(lines) - limit} more" if len(lines) > limit else ""
    return "\n".join([head, *(f"| {line} |" for line in lines[:limit])]) + more


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    text = text.replace("|", "/").replace("\n", " ")
    return text if len(text) <= SHOWN_TEXT else f"{text[: SHOWN_TEXT - 1]}…"


def picture(caption: str, image: bytes) -> str | None:
    """The image, small enough to be shown in place; None when it cannot be decoded."""
    try:
        return f"![{caption}]({preview_data_url(image, size=PICTURE_PIXELS, max_bytes=PICTURE_BYTES)})"
    except OrchestrationError:
        return None


class Pictures:
    """Small pictures for the metadata, for the first items that ask."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._left = PICTURES_PER_RUN

    def of(self, key: str | None, caption: str) -> str | None:
        """The stored image in Markdown; None when there is none, or enough have been shown."""
        if key is None or self._left == 0:
            return None
        self._left -= 1
        try:
            return picture(caption, self._objects.get(key))
        except OrchestrationError:
            return None  # an object that is gone has a check of its own; the metadata goes without
