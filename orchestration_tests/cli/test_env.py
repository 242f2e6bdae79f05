"""Dagster's own commands work on the instance of this home, or say in one line why they do not."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from orchestration.runtime.instance import CONFIGURATION
from orchestration.runtime.instance_storage import REMEDY, InstanceStorage

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration_tests.cli.conftest import Command


def dagster(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Dagster's command in a checkout that has this product's `dagster.yaml`."""
    shutil.copy(CONFIGURATION, folder)
    command = [sys.executable, "-m", "dagster", *arguments, "-m", "orchestration.definitions"]
    environment = {**os.environ, **variables}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own


def test_without_the_variables_dagster_ends_with_one_line_that_names_the_remedy(
    variables: Path, tmp_path: Path
) -> None:
    assert not variables.exists()
    ended = dagster(tmp_path, "definitions", "validate")
    assert ended.returncode == 1
    assert ended.stderr.strip().endswith(REMEDY)
    assert "Traceback" not in ended.stderr + ended.stdout


def test_with_the_variables_dagster_finds_the_instance(orchestration: Command, tmp_path: Path) -> None:
    printed = orchestration("env").out.splitlines()
    exported = dict(shlex.split(line)[1].split("=", 1) for line in printed)
    assert all(line.startswith("export ") for line in printed)
    assert exported["DAGSTER_HOME"] == str(tmp_path / "home" / "dagster")
    ended = dagster(tmp_path, "definitions", "validate", **exported)
    assert (ended.returncode, "All code locations passed validation" in ended.stdout + ended.stderr) == (0, True)


def test_an_embedded_database_is_not_named_since_every_process_joins_it_by_itself(
    orchestration: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ORCHESTRATION_DATABASE_URL", "ORCHESTRATION_DAGSTER_DATABASE_URL"):
        monkeypatch.delenv(name)
    assert not {name for name in orchestration("env", "--json").json if name.endswith("DATABASE_URL")}


def test_a_database_that_is_away_is_one_line_too(disconnected: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert disconnected
    for name in ("DAGSTER_HOME", "ORCHESTRATION_LOG_DIRECTORY"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.delenv("ORCHESTRATION_DAGSTER_DATABASE_URL")
    with pytest.raises(SystemExit, match="did not answer"):
        InstanceStorage.from_config_value(None, {})
