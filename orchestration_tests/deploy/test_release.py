"""A release: the schema first, then what reads it; the cluster is a program that writes down what it is asked for."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from orchestration_tests.deploy.conftest import DEPLOY

if TYPE_CHECKING:
    from pathlib import Path

CLUSTER = """#!/bin/sh
echo "$*" >>"$ASKED"
case "$*" in
kustomize*) echo "kind: List" ;;
*"get job"*) [ "$(grep -c 'get job' "$ASKED")" -le "$LOOKS" ] || echo "$MIGRATION" ;;
*logs*) echo "column is in use" ;;
esac
"""


def release(folder: Path, migration: str, *, looks: int = 0) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Release staging to a cluster whose migration ends so, after some looks; what came of it, and what was asked."""
    asked, program = folder / "asked", folder / "kubectl"
    program.write_text(CLUSTER)
    program.chmod(0o755)
    environment = {"PATH": f"{folder}:{os.defpath}", "ASKED": str(asked), "MIGRATION": migration}
    environment["LOOKS"] = str(looks)
    done = subprocess.run(  # noqa: S603 - our own script
        ["bash", str(DEPLOY / "kubernetes/release.sh"), "staging"],  # noqa: S607 - whichever there is
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done, [line.replace("--namespace orchestration-staging ", "") for line in asked.read_text().splitlines()]


def test_processes_are_restarted_once_the_migration_has_succeeded(tmp_path: Path) -> None:
    done, asked = release(tmp_path, "SuccessCriteriaMet Complete", looks=1)
    assert done.returncode == 0, done.stderr
    words = [" ".join(line.split()[:2]) for line in asked]
    waited = words.index("get job")
    assert words[:waited] == ["kustomize .", "delete job", "apply --filename"]
    assert words[waited:] == ["get job", "get job", "rollout restart", *["rollout status"] * 4]


def test_a_migration_that_fails_ends_the_release_and_says_why(tmp_path: Path) -> None:
    done, asked = release(tmp_path, "FailureTarget Failed")
    assert done.returncode == 1
    assert "column is in use" in done.stdout
    assert "nothing was restarted" in done.stderr
    assert not any("rollout" in line for line in asked)
