"""What lies under `deploy/monitoring` fits the exporter, the runbook and itself."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.metrics.catalogue import METRICS
from orchestration_tests.test_readme import commands

DEPLOY = Path(__file__).parents[2] / "deploy"
MONITORING = DEPLOY / "monitoring"
START, END = "<!-- metrics: made from orchestration/metrics/catalogue.py, kept true by a test -->\n", "<!-- end -->"
PROMTOOL = shutil.which("promtool")

needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")


def rules() -> list[dict[str, Any]]:
    """Every rule."""
    groups = yaml.safe_load((MONITORING / "rules.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


ALERTS = [rule for rule in rules() if "alert" in rule]


def metric_names(text: str) -> set[str]:
    """The metrics of ours that an expression or a document names."""
    found = set(re.findall(r"\b(?:orchestration|preview_worker)_[a-z0-9_]+", text))
    return {re.sub(r"_(bucket|count|sum)$", "", name) if name not in KNOWN else name for name in found}


KNOWN = {metric.name for metric in METRICS}


def test_the_table_of_metrics_is_the_catalogue() -> None:
    rows = "".join(
        f"| `{metric.name}` | {metric.kind} | {', '.join(metric.labels)} | {metric.meaning} |\n" for metric in METRICS
    )
    text = (MONITORING / "README.md").read_text(encoding="utf-8")
    written = text[text.index(START) + len(START) : text.index(END)]
    expected = f"\n| metric | kind | labels | meaning |\n| --- | --- | --- | --- |\n{rows}\n"
    assert written == expected, f"The table should read:\n{expected}"


def test_metrics_are_named_by_one_scheme() -> None:
    for metric in METRICS:
        assert metric.name.startswith(("orchestration_", "preview_worker_"))
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        if metric.kind == "histogram":
            assert metric.name.endswith("_seconds")


def test_rules_name_only_metrics_that_there_are() -> None:
    assert {name for rule in rules() for name in metric_names(rule["expr"])} <= KNOWN


def test_every_alert_says_how_urgent_it_is_and_leads_to_its_entry_in_the_runbook() -> None:
    entries = re.findall(
        r"^### (\w+)\n\*\*Means\*\* .+?^\*\*Look at\*\* .+?^\*\*Do\*\* ", RUNBOOK, re.MULTILINE | re.DOTALL
    )
    assert sorted(entries) == sorted(rule["alert"] for rule in ALERTS)
    for rule in ALERTS:
        assert rule["labels"]["severity"] in {"critical", "warning", "none"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["runbook"] == f"deploy/runbook.md#{rule['alert'].lower()}"


RUNBOOK = (DEPLOY / "runbook.md").read_text(encoding="utf-8")


def test_the_commands_of_the_runbook_exist() -> None:
    typed = re.findall(r"`orchestration ([a-z-]+(?: [a-z-]+)?)", RUNBOOK)
    known = commands()
    assert {one for one in typed if one not in known and one.partition(" ")[0] not in known} == set()


def test_every_alert_but_the_watchdog_is_tested_to_fire_and_to_clear() -> None:
    tests = [test for path in MONITORING.glob("rules*_test.yml") for test in yaml.safe_load(path.read_text())["tests"]]
    for name in {rule["alert"] for rule in ALERTS} - {"OrchestrationWatchdog"}:
        asked = [one for test in tests for one in test["promql_expr_test"] if f'alertname="{name}"' in one["expr"]]
        assert {bool(one["exp_samples"]) for one in asked} == {True, False}, name


@needs_promtool
def test_promtool_finds_the_files_right(tmp_path: Path) -> None:
    folder = shutil.copytree(MONITORING, tmp_path / "monitoring")
    (folder / "api-key").write_text("orc_1_x")
    tests = sorted(path.name for path in folder.glob("rules*_test.yml"))
    for command in ("check rules rules.yml", "check config prometheus.yml", " ".join(["test rules", *tests])):
        arguments = [str(PROMTOOL), *command.split()]
        done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
        assert done.returncode == 0, done.stdout + done.stderr
