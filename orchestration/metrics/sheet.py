"""The values of one scrape, by metric and labels, and the families that Prometheus's client writes of them.

Keep out: which metrics there are (`catalogue`), and where values come from (`reading`).
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from orchestration.metrics.catalogue import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prometheus_client.core import Metric as Family

    from orchestration.metrics.catalogue import Metric


class Durations(NamedTuple):
    """A histogram: upper bounds in seconds without the last, which is open; how many in each class; all seconds."""

    bounds: Sequence[float]
    counts: Sequence[float]
    seconds: float


class Sheet:
    """What one scrape found."""

    def __init__(self) -> None:
        self._values: dict[str, dict[tuple[str, ...], float | Durations]] = {metric.name: {} for metric in METRICS}

    def set(self, name: str, value: float | Durations, *labels: str) -> None:
        """Give a metric of the catalogue its value under these labels."""
        self._values[name][labels] = value

    def families(self) -> Iterator[Family]:
        """The metrics that have values, in the order of the catalogue."""
        for metric in METRICS:
            if values := self._values[metric.name]:
                yield _family(metric, values)


def _family(metric: Metric, values: dict[tuple[str, ...], float | Durations]) -> Family:
    family: CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
    if metric.kind == "histogram":
        family = HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    elif metric.kind == "counter":
        family = CounterMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    else:
        family = GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    for labels, value in values.items():
        if isinstance(family, HistogramMetricFamily) and isinstance(value, Durations):
            bounds = [*map(str, value.bounds), "+Inf"]
            family.add_metric(labels, list(zip(bounds, accumulate(value.counts), strict=True)), value.seconds)
        elif not isinstance(family, HistogramMetricFamily) and not isinstance(value, Durations):
            family.add_metric(labels, value)
    return family
