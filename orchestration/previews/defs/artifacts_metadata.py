"""What operators read beside a run of the previews: counts, cost, pictures, and a link to each video.

It adds results up and gives them the form of Dagster's metadata. Keep out: decisions.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.previews.jobs.states import Counted
from orchestration.runtime.metadata import Pictures, full_size, markdown_table
from orchestration.work_queue.drain import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.previews.jobs.handler import RenderedPreview
    from orchestration.previews.previews import Previews

Metadata = dict[str, Any]

HEARTBEAT_SECONDS = 60.0
SAMPLES = 8
_ENDINGS = (Counted.COMPLETED, Counted.DRYRUN, Counted.INVALID, Counted.CANCELLED)


class PreviewReport:
    """Adds up what a drain did; `failures` are the reasons of jobs that failed for good.

    A warm drain materializes the asset in each minute in which it did something.
    """

    def __init__(self, context: dg.AssetExecutionContext, previews: Previews) -> None:
        self._context = context
        self._previews = previews
        self._lock = threading.Lock()
        self._outcomes = Counter[str]()
        self._reported = self._batches = 0
        self._seconds = self._film_seconds = self._cpu = self._saved = 0.0
        self._newest: deque[RenderedPreview] = deque(maxlen=SAMPLES)
        self._pictures = Pictures(previews.services.objects)
        self.failures: dict[str, str] = {}

    def record(self, rendered: Sequence[RenderedPreview]) -> None:
        """Count a batch; an attempt that is followed by another is no failure yet."""
        with self._lock:
            self._batches += 1
            for one in rendered:
                self._count(one)

    def _count(self, one: RenderedPreview) -> None:
        if not one.is_final:
            self._outcomes["tried again"] += 1
            return
        if one.outcome in (Counted.FAILED, Counted.INVALID):
            self.failures[one.job_id] = one.problem or ""
        self._outcomes[one.outcome.value] += 1
        if one.result is not None and not one.result.get("dryRun"):
            self._newest.append(one)
            self._seconds += one.seconds
            self._film_seconds += one.result["seconds"]
            self._cpu += one.result["cost"].get("cpu_seconds", 0.0)
            self._saved += one.result["cost"].get("cpu_seconds_saved", 0.0)

    @property
    def heartbeat(self) -> Heartbeat:
        """Reports once a minute."""
        return Heartbeat(self._materialize, HEARTBEAT_SECONDS)

    def _materialize(self) -> None:
        batches = self._batches
        if batches != self._reported:
            self._context.log_event(dg.AssetMaterialization(self._context.asset_key, metadata=self.metadata()))
            self._reported = batches

    def metadata(self) -> Metadata:
        """Counts by outcome, cost, the newest previews with pictures and links, and failures."""
        with self._lock:
            shown: Metadata = {outcome.value: self._outcomes[outcome.value] for outcome in _ENDINGS}
            shown |= {
                "failed": self._outcomes[Counted.FAILED.value],
                "tried_again": self._outcomes["tried again"],
                "film_seconds": round(self._film_seconds, 2),
                "seconds": round(self._seconds, 2),
                "cpu_seconds": round(self._cpu, 2),
                "cpu_seconds_saved": round(self._saved, 2),
            }
            return shown | self._tables() | self._links()

    def _tables(self) -> Metadata:
        tables: Metadata = {}
        if self._newest:
            rows = [
                (one.job_id, f"{one.result['seconds']:.2f} s", f"{one.seconds:.1f} s")
                for one in self._newest
                if one.result
            ]
            tables["newest"] = dg.MetadataValue.md(markdown_table(("job", "film", "rendered in"), rows))
        if self.failures:
            tables["failures"] = dg.MetadataValue.md(markdown_table(("job", "reason"), list(self.failures.items())))
        return tables

    def _links(self) -> Metadata:
        """A picture of each of the newest previews, and a link under which it plays."""
        shown: Metadata = {}
        for one in self._newest:
            files = {file["kind"]: file for file in (one.result or {}).get("files", ())}
            if picture := self._pictures.of(files["poster"]["key"], one.job_id):
                shown[f"picture of {one.job_id}"] = dg.MetadataValue.md(picture)
                shown |= full_size(self._previews.services, f"picture of {one.job_id}", files["poster"]["key"])
            if video := files.get("video"):
                link = self._previews.services.links.sign(video["key"], now=datetime.now(UTC))
                shown[f"video of {one.job_id}"] = dg.MetadataValue.url(link.url)
        return shown
