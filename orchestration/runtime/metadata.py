"""Tables, pictures and sums as Dagster's UI shows them beside an event.

It holds the form. Keep out: what is shown, but for renditions, which two domains make.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.errors import OrchestrationError
from orchestration.media.encodings import preview_data_url
from orchestration.observability.untrusted import for_markdown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestration.media.picture_process import PictureProcess
    from orchestration.media.renditions import Rendition
    from orchestration.services import Services
    from orchestration.storage.objects import ObjectStore

SHOWN_ROWS = 25
SHOWN_TEXT = 80
# A picture costs 3 ms and 1 kB in the event log: the first items of a run show one each.
PICTURES_PER_RUN = 20
# Dagster's UI shows Markdown of fewer than 1,000 characters in place, and hides more behind a link. In base64, with
# the rest of the image tag, this stays below.
PICTURE_PIXELS = 96
PICTURE_BYTES = 700


def markdown_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, limit: int = SHOWN_ROWS, longest: int = SHOWN_TEXT
) -> str:
    """A Markdown table of the first rows, and how many more there are; `longest` is the length of a cell's text."""
    rows = list(rows)
    lines = [" | ".join(_cell(cell, longest) for cell in row) for row in rows[:limit]]
    head = f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}"
    more = f"\n\n... and {len(rows) - limit} more" if len(rows) > limit else ""
    return "\n".join([head, *(f"| {line} |" for line in lines)]) + more


def _cell(value: object, longest: int) -> str:
    text = "" if value is None else str(value)
    text = " ".join(text.replace("|", "/").splitlines())
    return for_markdown(text if len(text) <= longest else f"{text[: longest - 1]}…")


def picture(caption: str, image: bytes) -> str | None:
    """An image of our own, small enough to be shown in place; None when it cannot be decoded."""
    try:
        return _shown(caption, preview_data_url(image, size=PICTURE_PIXELS, max_bytes=PICTURE_BYTES))
    except OrchestrationError:
        return None


def _shown(caption: str, url: str) -> str:
    return f"![{for_markdown(caption)}]({url})"


class Pictures:
    """Small pictures for the metadata, for the first items that ask.

    Pictures from outside are decoded in `process`, which bounds what they may cost; without one, they are our own.
    """

    def __init__(self, objects: ObjectStore, process: PictureProcess | None = None) -> None:
        self._objects = objects
        self._process = process
        self._left = PICTURES_PER_RUN

    def of(self, key: str | None, caption: str) -> str | None:
        """The stored image in Markdown; None when there is none, or enough have been shown."""
        if key is None or self._left == 0:
            return None
        self._left -= 1
        try:
            return self._drawn(key, caption)
        except OrchestrationError:
            return None  # an object that is gone has a check of its own; the metadata goes without

    def _drawn(self, key: str, caption: str) -> str | None:
        body = self._objects.get(key)
        if self._process is None:
            return picture(caption, body)
        return _shown(caption, self._process.preview(body, key, size=PICTURE_PIXELS, max_bytes=PICTURE_BYTES))


def full_size(services: Services, name: str, key: str | None) -> dict[str, dg.MetadataValue[Any]]:
    """A link to a stored picture as large as it is, to stand beside the small one called `name`.

    Only where the object store serves its objects itself, or the address of the API that does so was set: nobody can
    follow another one. Like all links to files it ends; the event that holds it stays.
    """
    settings = services.settings
    if key is None or ("public_url" not in settings.model_fields_set and settings.object_store_url.startswith("file:")):
        return {}
    try:
        link = services.links.sign(key, now=datetime.now(UTC))
    except OrchestrationError:
        return {}  # the picture is shown small all the same
    return {f"{name} in full size": dg.MetadataValue.url(link.url)}


class RenditionReport:
    """Adds up the renditions of a run; `failures` are the reasons by content hash."""

    def __init__(self) -> None:
        self._images = 0
        self._original_bytes = 0
        self._bytes: Counter[str] = Counter()
        self.failures: dict[str, str] = {}

    def record(self, renditions: Sequence[Rendition]) -> None:
        """Count a batch; what is tried again is no failure yet, and what succeeds later is none any more."""
        for rendition in renditions:
            if rendition.problem:
                if rendition.is_final:
                    self.failures[rendition.content_hash] = rendition.problem
                continue
            self.failures.pop(rendition.content_hash, None)
            self._images += 1
            self._original_bytes += rendition.original_bytes
            self._bytes.update(rendition.variant_bytes)

    def metadata(self) -> dict[str, Any]:
        """Counts and bytes by variant, and the images that failed."""
        rows = [(name, size, _share(size, self._original_bytes)) for name, size in sorted(self._bytes.items())]
        found: dict[str, Any] = {
            "images": self._images,
            "failed": len(self.failures),
            "original_bytes": self._original_bytes,
            "variants": dg.MetadataValue.md(markdown_table(("variant", "bytes", "of the original"), rows)),
        }
        if self.failures:
            table = markdown_table(("content hash", "reason"), list(self.failures.items()))
            found["failures"] = dg.MetadataValue.md(table)
        return found


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else ""
