"""Runs whose processes were killed together with all that watched them.

Dagster's daemon learns of a dead run worker from the code server that launched it. When both are dead, the run counts
as started until its longest time is over, and keeps its slots. Nobody watches the runs that a command executes itself:
their tag says where to look for its process. Keep out: drains, which show life in the database (`drains`).
"""

from __future__ import annotations

import json
import socket
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where Dagster's default launcher notes the code server that launched a run. It has no public name for it.
LAUNCHER_TAG = ".dagster/grpc_info"
_LAUNCHED = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_CONNECT_SECONDS = 2.0
PROCESS_TAG = "orchestration/process"
# Two readings of when a process began differ by a corrected clock; no process id comes again so soon.
_CLOCK_SECONDS = 5.0


class _Process(msgspec.Struct, frozen=True):
    """A process: `began` is in seconds since the epoch, and tells it from a later one with the same id."""

    machine: str
    pid: int
    began: float


def process_tags(pid: int | None = None) -> dict[str, str]:
    """The tags of a run that this process executes itself, or the process of this id."""
    import psutil  # type: ignore[import-untyped]  # it brings no types

    process = psutil.Process(pid)
    return {PROCESS_TAG: msgspec.json.encode(_Process(_machine(), process.pid, process.create_time())).decode()}


def is_killed(run: dg.DagsterRun) -> bool:
    """Whether a process of this machine executed the run, and is gone; of other machines nothing is known."""
    tag = run.tags.get(PROCESS_TAG)
    if tag is None:
        return False
    process = msgspec.json.decode(tag, type=_Process)
    return process.machine == _machine() and not _lives(process)


def end_killed_runs(instance: dg.DagsterInstance) -> list[str]:
    """End the runs that commands of this machine executed until they were killed, as failed; returns their ids."""
    killed = [run for run in instance.get_runs(dg.RunsFilter(statuses=_LAUNCHED)) if is_killed(run)]
    for run in killed:
        instance.report_run_failed(run, "The command that executed it was killed; what was not begun is still queued")
    return [run.run_id for run in killed]


def _machine() -> str:
    """Where a process id means the same process: containers of one host name may have ids of their own."""
    with suppress(OSError):
        return f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}"
    return socket.gethostname()


def _lives(process: _Process) -> bool:
    import psutil

    try:
        found = psutil.Process(process.pid)
        is_same = abs(found.create_time() - process.began) < _CLOCK_SECONDS
        return bool(is_same and found.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def end_orphaned_runs(instance: dg.DagsterInstance) -> list[str]:
    """End the runs whose code server does not answer any more, or whose command was killed; returns their ids.

    For the start of a system on one machine, before it launches runs of its own.
    """
    runs = instance.get_runs(dg.RunsFilter(statuses=_LAUNCHED))
    orphans = [run for run in runs if LAUNCHER_TAG in run.tags and not _answers(json.loads(run.tags[LAUNCHER_TAG]))]
    for run in orphans:
        instance.report_run_failed(run, "Its process was killed together with the system that launched it")
    return [run.run_id for run in orphans] + end_killed_runs(instance)


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
