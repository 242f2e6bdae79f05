"""The tally of a sync: what this process planned, imported and mirrored.

Belongs here: adding up. Does not: the counts that must survive a crash, which the `sync` rows hold.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestration.catalogue.plan import Difference
from orchestration.catalogue.store import Effect
from orchestration.media.mirror import Mirrored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.catalogue.category_store import CategoryChanges
    from orchestration.catalogue.importer import ImportedFamily
    from orchestration.catalogue.plan import SupplierPlan
    from orchestration.media.mirror import MirroredImage

# A restored family is one that the feed lists again: to whoever reads the counts, a change of what is published.
_REPORTED_AS = {Effect.RESTORED: Effect.CHANGED}


@dataclass
class SyncTally:
    """Counts of one process's work on the catalogue, and what went wrong, by supplier, family or URL."""

    suppliers: int = 0
    removed: int = 0
    held_back: int = 0
    guarded: dict[str, str] = field(default_factory=dict)
    unchanged: int = 0
    still_quarantined: int = 0
    effects: Counter[Effect] = field(default_factory=Counter)
    quarantined: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    variants: int = 0
    documents: int = 0
    rows_written: int = 0
    images: Counter[Mirrored] = field(default_factory=Counter)
    failed_images: dict[str, str] = field(default_factory=dict)

    def add_categories(self, changes: CategoryChanges) -> None:
        """Count the rows of a category tree."""
        self.rows_written += changes.rows_written

    def add_plan(self, plan: SupplierPlan) -> None:
        """Count a planned supplier."""
        self.suppliers += 1
        self.removed += plan.removed
        self.held_back += plan.held_back
        if plan.held_back:
            self.guarded[plan.supplier] = plan.removals.reason
        self.rows_written += plan.rows_written
        if not plan.is_full:
            self.unchanged += plan.unchanged
            self.still_quarantined += plan.count(Difference.QUARANTINED)

    def add_families(self, imported: Sequence[ImportedFamily]) -> None:
        """Count family tasks that have ended; one that will be tried again counts its download only."""
        for family in imported:
            self.documents += family.downloaded
            if family.stored:
                self.effects[_REPORTED_AS.get(family.stored.effect, family.stored.effect)] += 1
                self.variants += family.stored.variant_count
                self.rows_written += family.stored.rows_written
            elif family.is_quarantined:
                self.quarantined[family.a_number] = family.problem or ""
                self.rows_written += 1
            elif family.problem and family.is_final:
                self.failed[family.a_number] = family.problem
            elif not family.problem:
                self.effects[Effect.UNCHANGED] += 1

    def add_images(self, mirrored: Sequence[MirroredImage]) -> None:
        """Count image tasks that have ended."""
        for image in mirrored:
            if image.outcome is not Mirrored.FAILED:
                self.images[image.outcome] += 1
                self.failed_images.pop(image.url, None)
            elif image.is_final:
                self.failed_images[image.url] = image.problem or ""

    @property
    def has_failures(self) -> bool:
        """Whether anything needs an operator: the command then exits with 1."""
        return bool(self.quarantined or self.failed or self.failed_images or self.held_back)

    def summary(self, seconds: float) -> dict[str, object]:
        """The one line of `orchestration sync --json`; `seconds` is how long it took."""
        return {
            "suppliers": self.suppliers,
            "families": {
                "added": self.effects[Effect.ADDED],
                "changed": self.effects[Effect.CHANGED],
                "removed": self.removed,
                "unchanged": self.unchanged + self.effects[Effect.UNCHANGED],
                "quarantined": len(self.quarantined) + self.still_quarantined,
                "failed": len(self.failed),
                "held_back": self.held_back,
            },
            "variants": self.variants,
            "images": {
                "stored": self.images[Mirrored.STORED],
                "deduplicated": self.images[Mirrored.DEDUPLICATED],
                "failed": len(self.failed_images),
            },
            "documents_downloaded": self.documents,
            "rows_written": self.rows_written,
            "seconds": round(seconds, 3),
        }
