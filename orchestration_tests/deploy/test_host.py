"""What runs on one host, what builds the image, and what runs in the repository's continuous integration."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration_tests.deploy.conftest import DEPLOY, ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text(encoding="utf-8"))
WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
UNITS = sorted((DEPLOY / "systemd").glob("orchestration*.*e*"))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    """Their programs are looked for, too, so they are there: each path of the units leads to one in a folder here."""
    units = [unit for unit in UNITS if unit.suffix in {".service", ".target"}]
    assert len(units) == 6
    for unit in units:
        text = unit.read_text(encoding="utf-8").replace("/opt/orchestration/.venv/bin", str(tmp_path / "bin"))
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
        for program in re.findall(rf"{tmp_path}/bin/\S+", text):
            Path(program).parent.mkdir(exist_ok=True)
            shutil.copyfile("/bin/true", program)
            Path(program).chmod(0o755)
    command = ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / unit.name) for unit in units)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own files
    assert (finished.returncode, finished.stderr) == (0, "")


def test_what_holds_runs_has_longer_to_end_than_their_longest_unit() -> None:
    code = (DEPLOY / "systemd/orchestration-code.service").read_text(encoding="utf-8")
    assert "TimeoutStopSec=1860" in code
    assert "ExecStop=/bin/kill -TERM -- -${MAINPID}" in code, "or it would wait for drains that know of nothing"
    assert '"/usr/bin/tini", "-g"' in (DEPLOY / "image/Dockerfile").read_text(encoding="utf-8")
    assert COMPOSE["services"]["code"]["stop_grace_period"] == "31m"


def test_compose_starts_one_image_locked_after_its_migration() -> None:
    own = {name: service for name, service in COMPOSE["services"].items() if name != "postgres"}
    assert own.keys() == {"migrate", "code", "daemon", "webserver", "api"}
    for name, service in own.items():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        waits_for = {"postgres": {"condition": "service_healthy"}} if name == "migrate" else None
        assert service["depends_on"] == (waits_for or {"migrate": {"condition": "service_completed_successfully"}})
    published = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert published == ["127.0.0.1:3000:3000", "127.0.0.1:3001:3001"]


def pins(path: Path) -> dict[str, str]:
    """The versions that a lock file holds, by package."""
    return dict(re.findall(r"^([\w.-]+)==([^\s\\]+)", path.read_text(encoding="utf-8"), re.MULTILINE))


def test_the_image_holds_what_was_tested_and_no_tool_of_development() -> None:
    tested, shipped = pins(ROOT / "requirements.lock"), pins(DEPLOY / "image/requirements.lock")
    assert {"dagster", "dagster-k8s", "dagster-aws", "fastapi"} <= shipped.keys()
    assert not {"pytest", "moto", "mypy", "ruff"} & shipped.keys()
    assert {name: version for name, version in shipped.items() if tested.get(name, version) != version} == {}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[\[<>=~ ]", line)[0] for line in project["dependencies"]}
    assert needed - shipped.keys() == set(), "run `make lock`"


def test_what_the_image_copies_exists_and_is_not_ignored() -> None:
    text = (DEPLOY / "image/Dockerfile").read_text(encoding="utf-8")
    copied = [word for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE) for word in line.split()[:-1]]
    allowed = [
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"
    ]
    assert len(copied) >= 6
    for path in copied:
        assert (ROOT / path).exists()
        assert any(path == one or path.startswith(f"{one}/") for one in allowed), path
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)


def test_the_workflow_runs_every_part_with_actions_pinned_by_hash() -> None:
    triggers = WORKFLOW[True]  # YAML 1.1 reads `on` so
    assert triggers["push"]["branches"] == ["main", "develop"]
    assert "pull_request" in triggers
    job = WORKFLOW["jobs"]["check"]
    parts = job["strategy"]["matrix"]["part"]
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert parts == ["lint", "payloads", "units", "all"]
    assert set(parts) == set(re.findall(r"^(\w+)\)", script, re.MULTILINE))
    assert any(".ci/run" in step.get("run", "") for step in job["steps"])
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in used)


SCRIPTS = [ROOT / ".ci/run", *sorted(DEPLOY.rglob("*.sh"))]


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.name for script in SCRIPTS])
def test_every_script_is_read_by_its_shell(script: Path) -> None:
    finished = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True, check=False)  # noqa: S603, S607 - reads it only
    assert (finished.returncode, finished.stderr) == (0, "")
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")
    if (program := shutil.which("shellcheck")) is not None:
        command = [program, "--severity=warning", str(script)]
        found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - reads it only
        assert found.stdout == ""
