"""What happens to callers while something that the API stands on is away."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import requests
import sqlalchemy as sa

from orchestration.requests.requests import list_requests
from orchestration.services import Services
from orchestration_tests.api.conftest import serving
from orchestration_tests.conftest import run_on_server

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from orchestration.settings import Settings
    from orchestration.storage.database import Database


def refuse_connections(server: URL, database_url: str, *, refuse: bool) -> None:
    """End all sessions of the database and let no new one in, or let them in again."""
    name = sa.make_url(database_url).database
    run_on_server(server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS {'false' if refuse else 'true'}")
    if refuse:
        run_on_server(server, f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608 - our own name


def test_while_the_database_is_gone_callers_are_asked_to_come_back_and_then_all_is_well(
    settings: Settings, server_url: URL, database_url: str
) -> None:
    with ExitStack() as stack:
        services = Services(settings)
        stack.callback(services.close)
        base_url = stack.enter_context(serving(services))

        def ask() -> requests.Response:
            return requests.post(f"{base_url}/api/catalogue/syncs", json={"requestId": "r-1"}, timeout=30)

        assert ask().status_code == 202
        refuse_connections(server_url, database_url, refuse=True)
        stack.callback(lambda: refuse_connections(server_url, database_url, refuse=False))
        away = [ask() for _ in range(3)]
        health, page = (requests.get(f"{base_url}/{path}", timeout=30) for path in ("healthz", ""))
        refuse_connections(server_url, database_url, refuse=False)
        back = ask()
        assert [(one.status_code, one.json()["code"]) for one in away] == [(503, "database_away")] * 3
        assert all(int(one.headers["retry-after"]) > 0 for one in away)
        assert (health.status_code, page.status_code) == (503, 200)
        assert back.status_code == 202
        with services.database.connect() as connection:
            assert len(list_requests(connection)) == 2, "what was refused was not written, and nothing was lost"


def test_without_dagster_work_is_accepted_and_can_be_followed(base_url: str) -> None:
    """No Dagster runs in these tests at all; the request waits for it."""
    accepted = requests.post(f"{base_url}/api/gallery/repair", json={"requestId": "job-7"}, timeout=10,
                             headers={"X-Request-ID": "http-7"})  # fmt: skip
    assert accepted.status_code == 202
    followed = requests.get(f"{base_url}{accepted.headers['location']}", timeout=30).json()
    assert (followed["state"], followed["requestId"], followed["httpRequestId"]) == ("waiting", "job-7", "http-7")
    assert followed["requestedBy"] == "api:loopback"


def test_a_statement_that_waits_for_a_stranger_ends_in_time(settings: Settings, database: Database) -> None:
    services = Services(settings, statement_seconds=0.2)
    with serving(services) as base_url, database.begin() as stranger:
        stranger.execute(sa.text("LOCK TABLE work_request IN ACCESS EXCLUSIVE MODE"))
        blocked = requests.get(f"{base_url}/api/requests", timeout=30)
        others = requests.get(f"{base_url}/api/preview/jobs", timeout=30)
    assert (blocked.status_code, blocked.json()["code"], others.status_code) == (503, "database_away", 200)
    assert int(blocked.headers["retry-after"]) > 0
