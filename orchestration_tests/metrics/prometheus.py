"""A real Prometheus that scrapes every second and watches the product's own rules, without their patience.

An alert fires at once, and what is counted over minutes or hours is counted over seconds.
"""

from __future__ import annotations

import re
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

PATIENCE_SECONDS = 60
WINDOW = "[8s]"

CONFIGURATION = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
scrape_configs:
  - job_name: orchestration
    static_configs: [{{targets: ["{target}"]}}]
"""


class Prometheus:
    """A running one."""

    def __init__(self, url: str) -> None:
        self._url = url

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of an expression, now."""
        answer = requests.get(f"{self._url}/api/v1/query", params={"query": expression}, timeout=30)
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def firing(self) -> set[str]:
        """The alerts that fire now."""
        return {one["metric"]["alertname"] for one in self.query('ALERTS{alertstate="firing"}')}

    def has_fired(self) -> set[str]:
        """The alerts that have fired lately, also those that are over."""
        found = self.query('count_over_time(ALERTS{alertstate="firing"}[5m])')
        return {one["metric"]["alertname"] for one in found}

    def wait_until(self, *, fired: Collection[str] = (), silent: Collection[str] = ()) -> None:
        """Wait until each of these alerts has fired, and none of those does."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (missing := set(fired) - self.has_fired()) or (noisy := set(silent) & self.firing()):
            assert time.monotonic() < deadline, f"missing {missing}, too many {noisy if not missing else ''}"
            time.sleep(0.5)


@contextmanager
def running_prometheus(program: str, folder: Path, target: str, rules: Path, port: int) -> Iterator[Prometheus]:
    """One that scrapes `target`, a host and port, and fires without delay."""
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(target=target))
    hasty = re.sub(r"^ *for: .*\n", "", rules.read_text(), flags=re.MULTILINE)
    (folder / "rules.yml").write_text(re.sub(r"\[\d+[mh]\]", WINDOW, hasty))
    command = [
        program,
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)  # noqa: S603 - Debian's program
    try:
        _wait_for(f"http://127.0.0.1:{port}/-/ready")
        yield Prometheus(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            if requests.get(url, timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        assert time.monotonic() < deadline, "Prometheus did not start"
        time.sleep(0.1)
