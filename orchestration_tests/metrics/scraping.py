"""Scraping the real API, and reading what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Iterator

Series = dict[str, float]


def scrape(base_url: str, path: str = "/metrics") -> Series:
    """Every sample by its name and labels, as `name{label="value"}` with the labels in order."""
    answer = requests.get(f"{base_url}{path}", timeout=30)
    assert answer.status_code == 200, answer.text
    return dict(read(answer.text))


def read(text: str) -> Iterator[tuple[str, float]]:
    """The samples of an exposition; fails for one that is there twice."""
    seen = set()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            name = f"{sample.name}{{{labels}}}" if labels else sample.name
            assert name not in seen
            seen.add(name)
            yield name, sample.value


def counters(series: Series) -> Series:
    """The samples that may never fall: counters, and the classes, counts and sums of histograms."""
    return {
        name: value
        for name, value in series.items()
        if name.partition("{")[0].endswith(("_total", "_bucket", "_count", "_sum"))
    }
