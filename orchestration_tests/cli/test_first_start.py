"""The first start in a home: nothing need be prepared, and several commands may be first at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def test_three_commands_may_be_the_first_at_once(tmp_path: Path) -> None:
    variables = {
        name: value for name, value in os.environ.items() if not name.startswith(("ORCHESTRATION_", "DAGSTER"))
    }
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "orchestration", "gallery", "drain", "--json"],
            env={**variables, "ORCHESTRATION_HOME": str(tmp_path / "home"), "ORCHESTRATION_LOG_LEVEL": "ERROR"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    ended = [process.communicate(timeout=240) for process in started]
    assert [(process.returncode, err) for process, (_, err) in zip(started, ended, strict=True)] == [(0, "")] * 3
    assert all(json.loads(out) for out, _ in ended)
