"""What a run of `prints/stl` records: one materialization or failure for each SKU, and the counts of the whole run.

It holds sums and their form. Keep out: how events are stored (`runtime.recording`).
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.prints.tasks.outcomes import PrintedTask, Printing
from orchestration.runtime.metadata import Pictures, full_size, markdown_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.runtime.recording import PartitionRecorder
    from orchestration.services import Services

SAMPLES = 4
SHOWN_FAILURES = 50
# The name of the summary's metadata that holds the reason for each task without files, for programs.
PROBLEMS = "problems"


class PrintReport:
    """Adds up a run by SKU and as a whole."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._pictures = Pictures(services.objects)
        self._counts: Counter[Printing] = Counter()
        self._problems: dict[int, str] = {}
        self._skus: defaultdict[str, _SkuReport] = defaultdict(_SkuReport)

    def record(self, printed: Sequence[PrintedTask]) -> None:
        """Count a batch."""
        for task in printed:
            self._skus[task.sku].add(task)
            if not task.is_final:
                continue
            self._counts[task.outcome] += 1
            self._problems.pop(task.task_id, None)
            if task.problem and len(self._problems) < SHOWN_FAILURES:
                self._problems[task.task_id] = task.reason

    def summary(self) -> dict[str, Any]:
        """How many tasks of the run ended how, and why the first that got no files did not, by task."""
        problems = {str(task_id): reason for task_id, reason in self._problems.items()}
        counts: dict[str, Any] = {outcome.value: self._counts[outcome] for outcome in Printing}
        return counts | {PROBLEMS: dg.MetadataValue.json(problems)}

    def finish(self, recorder: PartitionRecorder, selected: Sequence[str] | None) -> None:
        """Record every SKU that the run did something for, and those that were selected.

        A SKU of which a task failed is recorded as failed; a task that is refused is its order's fault.
        """
        for name in sorted({*self._skus, *(selected or ())}):
            sku = self._skus[name]
            if sku.failed:
                recorder.failed(name, sku.failure_reason())
            else:
                recorder.materialized(name, sku.metadata(self._services, self._pictures))


class _SkuReport:
    """What a run did for one SKU."""

    def __init__(self) -> None:
        self.counts: Counter[Printing] = Counter()
        self.failed: dict[int, PrintedTask] = {}
        self._retried = 0
        self._milliseconds: list[float] = []
        self._samples: dict[str, PrintedTask] = {}
        self._refused: list[PrintedTask] = []

    def add(self, task: PrintedTask) -> None:
        if not task.is_final:
            self._retried += 1
            return
        self.counts[task.outcome] += 1
        self.failed.pop(task.task_id, None)
        if task.outcome is Printing.FAILED:
            self.failed[task.task_id] = task
        elif task.outcome is Printing.REFUSED:
            self._refused.append(task)
        elif task.outcome is Printing.RENDERED:
            self._milliseconds.append(task.milliseconds)
        if task.preview_key and len(self._samples) < SAMPLES:
            self._samples.setdefault(task.preview_key, task)  # equal orders share a picture

    def failure_reason(self) -> str:
        """Why the SKU is recorded as failed; names the first task when others of the SKU were done."""
        first = next(iter(self.failed.values()))
        if self.counts.total() == self.counts[Printing.FAILED]:
            return first.reason
        return f"{len(self.failed)} of {self.counts.total()} print tasks failed; {first.task_id}: {first.reason}"

    def metadata(self, services: Services, pictures: Pictures) -> dict[str, Any]:
        found: dict[str, Any] = {outcome.value: self.counts[outcome] for outcome in Printing}
        found |= {
            "retried": self._retried,
            "milliseconds": round(sum(self._milliseconds), 1),
            "milliseconds_median": round(statistics.median(self._milliseconds or [0.0]), 2),
        }
        for number, (key, task) in enumerate(self._samples.items(), start=1):
            if drawn := pictures.of(key, f"task {task.task_id}"):
                found[f"sample_{number}"] = dg.MetadataValue.md(drawn)
                found |= full_size(services, f"sample_{number}", key)
        if self._refused:
            rows = [(task.task_id, task.text, task.outcome.value, task.problem, task.remedy) for task in self._refused]
            table = markdown_table(("task", "text", "outcome", "problem", "remedy"), rows, limit=SHOWN_FAILURES)
            found["failures"] = dg.MetadataValue.md(table)
        return found
