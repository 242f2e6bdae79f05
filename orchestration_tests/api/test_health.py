"""The health check tells whether the API can do its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
import sqlalchemy as sa

from orchestration.services import Services
from orchestration.storage.migrate import head_revision
from orchestration_tests.api.conftest import serving

if TYPE_CHECKING:
    from orchestration.settings import Settings


def test_a_sound_process_says_so(base_url: str) -> None:
    answer = requests.get(f"{base_url}/healthz", timeout=30)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "schema": head_revision()})


def test_a_database_that_is_away_is_told_in_one_line(settings: Settings, unused_tcp_port: int) -> None:
    url = f"postgresql://127.0.0.1:{unused_tcp_port}/name"
    with serving(Services(settings.model_copy(update={"database_url": url}))) as base_url:
        answer = requests.get(f"{base_url}/healthz", timeout=30)
    assert answer.status_code == 503
    assert "did not answer" in answer.json()["error"]


def test_a_schema_of_another_version_is_no_health(services: Services, base_url: str) -> None:
    assert requests.get(f"{base_url}/healthz", timeout=30).status_code == 200
    with services.database.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(sa.text("COMMENT ON TABLE alembic_version IS NULL"))
    answer = requests.get(f"{base_url}/healthz", timeout=30)
    assert (answer.status_code, answer.json()["status"], answer.json()["schema"]) == (503, "failed", "9999")
