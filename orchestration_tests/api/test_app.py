"""The API as a whole."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import requests

from orchestration.api.app import build_api
from orchestration.services import Services

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.settings import Settings


def test_an_unknown_address_is_one_problem(base_url: str) -> None:
    answer = requests.get(f"{base_url}/nothing", timeout=10)
    document = answer.json()
    assert (answer.status_code, document["code"], document["detail"]) == (404, "not_found", "Not Found")


def test_building_it_touches_nothing(settings: Settings, tmp_path: Path) -> None:
    build_api(Services(settings.model_copy(update={"database_url": "postgresql://127.0.0.1:1/name"})))
    assert not (tmp_path / "home").exists()


def test_the_api_runs_without_dagster() -> None:
    program = "import sys, orchestration.api.app; print([m for m in sys.modules if m.startswith('dagster')])"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own program
    assert printed == "[]\n"
