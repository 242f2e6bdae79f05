"""Runs whose code server is gone are ended; others are left alone."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from orchestration.runtime.orphans import LAUNCHER_TAG, PROCESS_TAG, end_killed_runs, end_orphaned_runs, process_tags
from orchestration.runtime.partitions import count_unfinished

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
    return create(instance, {} if server is None else {LAUNCHER_TAG: json.dumps(server)}, status)


def create(instance: dg.DagsterInstance, tags: dict[str, str], status: dg.DagsterRunStatus) -> str:
    """A run of the job, with these tags."""
    definition = dg.Definitions([work], jobs=[dg.define_asset_job("job", [work])]).resolve_job_def("job")
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


def test_the_run_of_a_killed_command_is_under_way_no_more_and_is_ended(ephemeral: dg.DagsterInstance) -> None:
    started = dg.DagsterRunStatus.STARTED
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as command:
        tags = process_tags(command.pid)
        killed = create(ephemeral, tags, started)
        assert count_unfinished(ephemeral, "job") == 1
        command.kill()
    own = process_tags()
    create(ephemeral, own, started)
    create(ephemeral, {PROCESS_TAG: json.dumps(json.loads(tags[PROCESS_TAG]) | {"machine": "another"})}, started)
    again = create(ephemeral, {PROCESS_TAG: json.dumps(json.loads(own[PROCESS_TAG]) | {"began": 0.0})}, started)
    assert count_unfinished(ephemeral, "job") == 2
    assert set(end_killed_runs(ephemeral)) == {killed, again}
    assert ephemeral.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])) == 2
