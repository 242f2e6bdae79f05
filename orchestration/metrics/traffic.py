"""What this process itself has done: its requests, its errors of the object store, its memory and CPU.

Counted in memory, from its start. Keep out: figures of the database.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Histogram, PlatformCollector, ProcessCollector
from prometheus_client import Counter as MetricCounter

from orchestration.metrics.catalogue import METRICS
from orchestration.storage.object_errors import VERDICTS, errors_seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric as Family

    from orchestration.metrics.sheet import Sheet

CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
_MEANINGS = {metric.name: metric.meaning for metric in METRICS}
_REQUESTS, _SECONDS = "orchestration_api_requests_total", "orchestration_api_request_seconds"


class Traffic:
    """The requests of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._requests = MetricCounter(_REQUESTS, _MEANINGS[_REQUESTS], ["status"], registry=self._registry)
        self._seconds = Histogram(_SECONDS, _MEANINGS[_SECONDS], registry=self._registry)
        for status in CLASSES:
            self._requests.labels(status)

    def count(self, status: int | None, seconds: float) -> None:
        """Count one request; without a status it failed before it was answered."""
        self._requests.labels(f"{(status or HTTPStatus.INTERNAL_SERVER_ERROR) // 100}xx").inc()
        self._seconds.observe(seconds)

    def families(self) -> Iterator[Family]:
        """What was counted, without when counting began, which the process's start tells."""
        for family in self._registry.collect():
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield family


def fill_store_errors(sheet: Sheet) -> None:
    """The errors of the object store that this process has seen."""
    for verdict in VERDICTS:
        sheet.set("orchestration_store_errors_total", errors_seen[verdict], verdict)
