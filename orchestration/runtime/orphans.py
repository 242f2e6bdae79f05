"""Runs whose processes were killed together with all that watched them.

Dagster's daemon learns of a dead run worker from the code server that launched it. When both are dead, the run counts
as started until its longest time is over, and keeps its slots. Keep out: drains, which show life in the database
(`drains`).
"""

from __future__ import annotations

import json
import socket
from contextlib import closing
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where Dagster's default launcher notes the code server that launched a run. It has no public name for it.
LAUNCHER_TAG = ".dagster/grpc_info"
_LAUNCHED = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_CONNECT_SECONDS = 2.0


def end_orphaned_runs(instance: dg.DagsterInstance) -> list[str]:
    """End the runs whose code server does not answer any more, as failed; returns their ids.

    For the start of a system on one machine, before it launches runs of its own.
    """
    runs = instance.get_runs(dg.RunsFilter(statuses=_LAUNCHED))
    orphans = [run for run in runs if LAUNCHER_TAG in run.tags and not _answers(json.loads(run.tags[LAUNCHER_TAG]))]
    for run in orphans:
        instance.report_run_failed(run, "Its process was killed together with the system that launched it")
    return [run.run_id for run in orphans]


def _answers(server: Mapping[str, str | int | None]) -> bool:
    """Whether something listens where the code server was: at a Unix socket, or at a port."""
    path, port = server.get("socket"), server.get("port")
    try:
        if path:
            with closing(socket.socket(socket.AF_UNIX)) as client:
                client.settimeout(_CONNECT_SECONDS)
                client.connect(str(path))
        else:
            socket.create_connection((str(server.get("host")), int(port or 0)), _CONNECT_SECONDS).close()
    except OSError:
        return False
    return True
