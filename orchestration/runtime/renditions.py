"""What a run made of images, as metadata.

Belongs here: adding up variants, for every domain that has them made. Does not: making them (`media.renditions`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.runtime.markdown import markdown_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.media.renditions import Rendition


class VariantReport:
    """Adds up the variants of a run."""

    def __init__(self) -> None:
        self._images = 0
        self._original_bytes = 0
        self._bytes: Counter[str] = Counter()
        self._problems: dict[str, str] = {}

    def record(self, renditions: Sequence[Rendition]) -> None:
        """Count a batch."""
        for rendition in renditions:
            if rendition.problem:
                self._problems[rendition.content_hash] = rendition.problem
                continue
            self._images += 1
            self._original_bytes += rendition.original_bytes
            self._bytes.update(rendition.variant_bytes)

    def metadata(self) -> dict[str, Any]:
        """Counts and bytes by variant, and the images that failed."""
        rows = [(name, size, _share(size, self._original_bytes)) for name, size in sorted(self._bytes.items())]
        found: dict[str, Any] = {
            "images": self._images,
            "failed": len(self._problems),
            "original_bytes": self._original_bytes,
            "variants": dg.MetadataValue.md(markdown_table(("variant", "bytes", "of the original"), rows)),
        }
        if self._problems:
            table = markdown_table(("content hash", "reason"), list(self._problems.items()))
            found["failures"] = dg.MetadataValue.md(table)
        return found


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else ""
