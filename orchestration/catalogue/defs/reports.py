"""From the domain's results to the recorder: one partition at a time, and one summary a run.

Belongs here: what is recorded for whom. Does not: how it looks (`metadata`), how it is stored (`runtime.recording`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from orchestration.catalogue.defs import metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.catalogue.feed import Feed
    from orchestration.catalogue.images import FamilyImages
    from orchestration.catalogue.importer import ImportedFamily
    from orchestration.catalogue.pipeline import PlannedSupplier
    from orchestration.catalogue.store import StoredFamily
    from orchestration.runtime.markdown import Pictures
    from orchestration.runtime.recording import PartitionRecorder


def record_plan(recorder: PartitionRecorder, planned: PlannedSupplier, feed: Feed) -> None:
    """Record a supplier's plan, or why there is none."""
    if planned.plan is None:
        recorder.bad(planned.code, planned.problem)
    else:
        recorder.good(planned.code, metadata.of_plan(planned.plan, feed))


class ImportReport:
    """Records families as they are imported, and sums the run up."""

    def __init__(self, context: dg.AssetExecutionContext) -> None:
        self._context = context
        self._stored: list[StoredFamily] = []
        self._failures: dict[str, str] = {}

    def record(self, recorder: PartitionRecorder, imported: Sequence[ImportedFamily]) -> None:
        """Record the families that have ended; one that will be tried again has no status yet."""
        for family in imported:
            if not family.is_final:
                continue
            if family.problem:
                self._failures[family.a_number] = family.problem
                recorder.bad(family.a_number, family.problem)
            else:
                recorder.good(family.a_number, metadata.of_family(family.stored))
            if family.stored and family.stored.effect.value != "unchanged":
                self._stored.append(family.stored)

    def finish(self) -> None:
        """Log the summary: counts, changes and price moves of the whole run."""
        if self._stored or self._failures:
            summary = metadata.of_import(self._stored, self._failures)
            self._context.log_event(dg.AssetObservation(self._context.asset_key, metadata=summary))


def record_images(recorder: PartitionRecorder, pictures: Pictures, states: Sequence[FamilyImages]) -> None:
    """Record families whose images are settled; those with given-up images fail, and say which."""
    for state in states:
        if state.problems:
            recorder.bad(state.a_number, f"{len(state.problems)} of {state.total} images failed: {state.problems[0]}")
        elif not state.is_settled:
            recorder.bad(state.a_number, f"{state.pending} of {state.total} images are still queued; run it again")
        else:
            recorder.good(state.a_number, metadata.of_images(state, pictures.of(state.main_key, "main image")))
