"""From the domain's results to metadata: one materialization a SKU, one summary of notifications.

Belongs here: what is recorded of a run. Does not: how it is stored (`runtime.recording`).
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.prints.outcomes import PrintedTask, Printing
from orchestration.runtime.markdown import Pictures, markdown_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.notifications.delivery import Delivery
    from orchestration.runtime.recording import PartitionRecorder
    from orchestration.storage.objects import ObjectStore

SAMPLES = 4
SHOWN_FAILURES = 50


class _SkuTally:
    """What a run did for one SKU."""

    def __init__(self) -> None:
        self.counts: Counter[Printing] = Counter()
        self.retried = 0
        self.milliseconds: list[float] = []
        self.samples: dict[str, PrintedTask] = {}
        self.failures: list[PrintedTask] = []

    def add(self, task: PrintedTask) -> None:
        if not task.is_final:
            self.retried += 1
            return
        self.counts[task.outcome] += 1
        if task.outcome is Printing.RENDERED:
            self.milliseconds.append(task.milliseconds)
        if task.problem:
            self.failures.append(task)
        elif task.preview_key and len(self.samples) < SAMPLES:
            self.samples.setdefault(task.preview_key, task)  # equal orders share a picture

    @property
    def is_bad(self) -> bool:
        """Whether nothing came of it but tasks that were given up; what is refused is the order's fault."""
        good = self.counts.total() - self.counts[Printing.FAILED]
        return not good and self.counts[Printing.FAILED] > 0

    def metadata(self, pictures: Pictures) -> dict[str, Any]:
        found: dict[str, Any] = {outcome.value: self.counts[outcome] for outcome in Printing}
        found |= {
            "retried": self.retried,
            "milliseconds": round(sum(self.milliseconds), 1),
            "milliseconds_median": round(statistics.median(self.milliseconds or [0.0]), 2),
        }
        for number, (key, task) in enumerate(self.samples.items(), start=1):
            if drawn := pictures.of(key, f"task {task.task_id}"):
                found[f"sample_{number}"] = dg.MetadataValue.md(drawn)
        if self.failures:
            rows = [(task.task_id, task.text, task.outcome.value, task.problem, task.remedy) for task in self.failures]
            table = markdown_table(("task", "text", "outcome", "problem", "remedy"), rows, limit=SHOWN_FAILURES)
            found["failures"] = dg.MetadataValue.md(table)
        return found


class PrintReport:
    """Adds up a run by SKU, and records each SKU in the end."""

    def __init__(self, objects: ObjectStore) -> None:
        self._pictures = Pictures(objects)
        self._tallies: defaultdict[str, _SkuTally] = defaultdict(_SkuTally)

    def record(self, printed: Sequence[PrintedTask]) -> None:
        """Count a batch."""
        for task in printed:
            self._tallies[task.sku].add(task)

    def finish(self, recorder: PartitionRecorder, selected: Sequence[str] | None) -> None:
        """Record every SKU that the run did something for, and those that were selected."""
        for sku in sorted({*self._tallies, *(selected or ())}):
            tally = self._tallies[sku]
            if tally.is_bad:
                recorder.bad(sku, tally.failures[0].reason)
            else:
                recorder.good(sku, tally.metadata(self._pictures))


class DeliveryReport:
    """Adds up the notifications of a run."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._failures: list[Delivery] = []

    def record(self, deliveries: Sequence[Delivery]) -> None:
        """Count a batch."""
        for delivery in deliveries:
            ending = "delivered" if delivery.problem is None else "given_up" if delivery.is_final else "retried"
            self._counts[ending] += 1
            if ending == "delivered":
                self._counts[f"delivered_by_{delivery.channel}"] += 1
            if ending == "given_up":
                self._failures.append(delivery)

    def metadata(self) -> dict[str, Any]:
        """How many were delivered, by channel, and which were given up."""
        found: dict[str, Any] = {"delivered": 0, "retried": 0, "given_up": 0, **self._counts}
        if self._failures:
            rows = [(one.channel, one.key, one.attempt, one.problem) for one in self._failures]
            found["failures"] = dg.MetadataValue.md(markdown_table(("channel", "notice", "attempts", "problem"), rows))
        return found
