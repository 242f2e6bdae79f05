"""What Dagster's processes are given, and an instance that several processes may open at once."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from orchestration.runtime.instance import instance_environment, open_instance
from orchestration.services import Services
from orchestration_tests.cli.conftest import restored_environment
from orchestration_tests.conftest import run_on_server

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from sqlalchemy.engine import URL

    from orchestration.settings import Settings


def test_every_override_reaches_the_processes_that_are_started(settings: Settings, tmp_path: Path) -> None:
    overridden = settings.model_copy(
        update={
            "image_hosts": ("a.example", "localhost:9000"),
            "mirror_max_drains": 3,
            "print_force": True,
            "promidata_base_url": "file:///feed",
            "webhook_secret": SecretStr("whsec_aGVsbG8="),
        }
    )
    variables = instance_environment(Services(overridden))
    program = """
from orchestration.settings import load_settings
settings = load_settings()
print(settings.image_hosts, settings.mirror_max_drains, settings.print_force, settings.promidata_base_url)
print(settings.webhook_secret.get_secret_value(), settings.home, settings.database_url, settings.object_store_url)
"""
    finished = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], env=variables, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert finished.stdout.splitlines() == [
        "('a.example', 'localhost:9000') 3 True file:///feed",
        f"whsec_aGVsbG8= {settings.home} {settings.database_url} {settings.object_store_url}",
    ]
    assert (settings.home / "dagster" / "dagster.yaml").exists()


def test_the_times_of_runs_are_utc_whatever_the_zone_of_the_server_is(
    settings: Settings, server_url: URL, dagster_url: str
) -> None:
    run_on_server(server_url, f"ALTER DATABASE {make_url(dagster_url).database} SET timezone = 'America/New_York'")
    run = dg.DagsterRun(job_name="any")
    chosen = settings.model_copy(update={"dagster_database_url": dagster_url})
    with restored_environment(), closing(Services(chosen)) as services, open_instance(services) as instance:
        instance.add_run(run)
        (record,) = instance.get_run_records()
    assert abs(record.create_timestamp - datetime.now(UTC)) < timedelta(minutes=30)


POOLS = {"prints_render": 4}


def test_a_pool_follows_the_setting_of_its_drains(
    settings: Settings, dagster_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    wide = settings.model_copy(update={"dagster_database_url": dagster_url, "print_max_drains": 7})
    for chosen, expected in (
        (wide, 7),
        (wide.model_copy(update={"print_max_drains": 1}), POOLS["prints_render"]),
    ):
        with closing(Services(chosen)) as services, open_instance(services, POOLS) as instance:
            assert instance.event_log_storage.get_concurrency_info("prints_render").slot_count == expected
