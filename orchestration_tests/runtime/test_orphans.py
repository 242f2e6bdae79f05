"""Runs whose code server is gone are ended; others are left alone."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from orchestration.runtime.orphans import LAUNCHER_TAG, end_orphaned_runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dg.asset
def work() -> None:
    """Nothing to do."""


@pytest.fixture
def ephemeral() -> Iterator[dg.DagsterInstance]:
    """An instance in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def launch(instance: dg.DagsterInstance, server: dict[str, object] | None, status: dg.DagsterRunStatus) -> str:
    """A run that this code server launched; None for one that runs in the process that created it."""
    definition = dg.Definitions([work], jobs=[dg.define_asset_job("job", [work])]).resolve_job_def("job")
    tags = {} if server is None else {LAUNCHER_TAG: json.dumps(server)}
    return instance.create_run_for_job(definition, tags=tags, status=status).run_id


@pytest.mark.parametrize(
    "status", [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
)
def test_a_run_whose_code_server_is_gone_is_ended(
    ephemeral: dg.DagsterInstance, status: dg.DagsterRunStatus, tmp_path: Path, unused_tcp_port: int
) -> None:
    gone = [
        launch(ephemeral, {"host": "localhost", "socket": str(tmp_path / "gone")}, status),
        launch(ephemeral, {"host": "localhost", "port": unused_tcp_port}, status),
    ]
    assert set(end_orphaned_runs(ephemeral)) == set(gone)
    assert ephemeral.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])) == 2


def test_runs_that_somebody_watches_and_runs_that_wait_are_left_alone(
    ephemeral: dg.DagsterInstance, tmp_path: Path
) -> None:
    path = tmp_path / "server"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        launch(ephemeral, {"host": "localhost", "socket": str(path)}, dg.DagsterRunStatus.STARTED)
        launch(ephemeral, {"host": "localhost", "socket": "/nowhere"}, dg.DagsterRunStatus.NOT_STARTED)
        launch(ephemeral, None, dg.DagsterRunStatus.STARTED)
        assert end_orphaned_runs(ephemeral) == []
