"""A life: a process that does the work of a domain, from its first run to its last, unless a fault ends it.

The process. Keep out: how it is started (`nursery`), the faults, and what is expected of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import dagster as dg
import pytest

from orchestration.assembly import build_definitions
from orchestration.cli import catalogue_sync
from orchestration.cli.reconcile_command import compare
from orchestration.domains import Domains
from orchestration.rendering.pool import ProcessPool
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.work_queue.policy import QueuePolicy
from orchestration_tests.chaos.faults import Kill, Second, StoreTrouble, install
from orchestration_tests.chaos.nursery import nursery
from orchestration_tests.chaos.workloads import WORKLOADS
from orchestration_tests.conftest import dagster_storage, keep_dagster_connections

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

POLL_SECONDS = 0.05
_NO_CAPTURE = {
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager", "config": {},
    }
}  # fmt: skip
_QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


class Life(NamedTuple):
    """What a process does: the work of a domain, with these settings, for files under `folder`."""

    workload: str
    settings: dict[str, Any]
    folder: Path
    kill: Kill | None = None
    trouble: StoreTrouble | None = None
    checks: bool = False

    @property
    def log(self) -> Path:
        """What the processes have said."""
        return self.folder / "said.txt"

    @property
    def report(self) -> Path:
        """Where a process that was not killed writes what it is asked for."""
        return self.folder / "lived.json"

    @property
    def second(self) -> Second:
        """What its second process leaves, if it has one."""
        return Second(self.folder / "second-passages.json", self.folder / "second-killed")

    @property
    def second_pids(self) -> Path:
        """The ids of all second processes that there ever were in this folder, a line each."""
        return self.folder / "second-pids.txt"


class Lived(NamedTuple):
    """How a life ended: its exit code, None for one that had to be ended, the last that was said, and its report.

    If it ended by itself, it reports how often it passed each point, and what the domain's own checks found if they
    were run. `second` are the passages of its second process, and `second_killed` tells whether that died alone.
    """

    exit_code: int | None
    said: str = ""
    passages: Mapping[str, int] = MappingProxyType({})
    findings: Sequence[str] = ()
    second: Mapping[str, int] = MappingProxyType({})
    second_killed: bool = False

    @property
    def was_killed(self) -> bool:
        """Whether any of its processes died of a kill."""
        return self.second_killed or self.exit_code == -signal.SIGKILL


def live(life: Life) -> Lived:
    """Have a process live, and wait for its end."""
    for path in (life.report, *life.second):
        path.unlink(missing_ok=True)
    exit_code = nursery().run(prepare, _live, life)
    said = life.log.read_text(errors="replace").strip().rpartition("\n")[2] if life.log.exists() else ""
    report = json.loads(life.report.read_text()) if life.report.exists() else {}
    passages, killed = life.second
    second = json.loads(passages.read_text()) if report and passages.exists() else {}
    return Lived(exit_code, said, **report, second=second, second_killed=killed.exists())


class _Prepared(NamedTuple):
    settings: dict[str, Any]
    services: Services
    definitions: dg.Definitions


# By workload: what is the same for all lives in one place, and takes as long as many a life.
_prepared: dict[str, _Prepared] = {}


def prepare(life: Life) -> None:
    """Build the definitions of a life, which touches nothing, in the process that will be forked for it."""
    known = _prepared.get(life.workload)
    if known is not None and known.settings == life.settings:
        return
    workload = WORKLOADS[life.workload]
    services = Services(Settings(**life.settings))
    domains = Domains(services)
    workload.substitute(domains)
    definitions = build_definitions(services.settings, domains, workload.domains)
    for name in (*(name for name, _ in workload.jobs), *workload.checks):
        definitions.resolve_job_def(name)
    _prepared[life.workload] = _Prepared(life.settings, services, definitions)


def _live(life: Life) -> None:
    """The process. What it says goes to a file, since with a database taken away it says much."""
    with life.log.open("ab") as log:
        os.dup2(log.fileno(), sys.stderr.fileno())
    scratch = life.folder / "tmp"
    scratch.mkdir(exist_ok=True)
    tempfile.tempdir = str(scratch)
    _render_here()
    hurry(pytest.MonkeyPatch())
    passages = install(life.kill, life.trouble, life.second)
    findings = _do_work(life)
    life.report.write_text(json.dumps({"passages": passages.counts, "findings": findings}))


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the process what takes its time and is no part of its work."""
    monkeypatch.setattr(QueuePolicy, "poll", lambda _policy, _in_vain: POLL_SECONDS)
    monkeypatch.setattr(catalogue_sync, "LONG_SECONDS", 0.0)
    monkeypatch.setattr(catalogue_sync, "LOOK_SECONDS", POLL_SECONDS)
    keep_dagster_connections(monkeypatch)


def _do_work(life: Life) -> list[str]:
    """Run the jobs of a workload, each once, in this process, and then the domain's checks; what those found.

    Objects that no row names, and rows without their object, are among it.
    """
    workload, (_, services, definitions) = WORKLOADS[life.workload], _prepared[life.workload]
    if workload.command is not None:
        workload.command(services.settings, partial(_note_second, life))
    storage = dagster_storage(life.settings["dagster_database_url"])
    home = life.folder / "dagster"
    home.mkdir(exist_ok=True)
    with dg.instance_for_test(storage | _NO_CAPTURE, temp_dir=str(home)) as instance:
        for name, config in workload.jobs:
            run_job(definitions, instance, name, config)
        results = [run_job(definitions, instance, name, {}) for name in workload.checks if life.checks]
    failed = [one.check_name for found in results for one in found.get_asset_check_evaluations() if not one.passed]
    reconciled = None
    if life.checks:
        # A day later, the nightly job would.
        services.objects.remove_unfinished(datetime.now(UTC))
        reconciled = compare(services)
    services.close()
    unequal = [one.key for one in reconciled.missing] + sorted(reconciled.unnamed) if reconciled else []
    return sorted(failed) + [f"reconcile: {key}" for key in unequal]


def _note_second(life: Life, pid: int) -> None:
    with life.second_pids.open("a") as pids:
        pids.write(f"{pid}\n")


def run_job(
    definitions: dg.Definitions, instance: dg.DagsterInstance, name: str, config: dict[str, Any]
) -> dg.ExecuteInProcessResult:
    """Run a job, whatever becomes of its items."""
    job = definitions.resolve_job_def(name)
    (op,) = [node.name for node in job.nodes][-1:]
    run_config = {"ops": {op: {"config": config}} if config else {}, "loggers": _QUIET}
    return job.execute_in_process(run_config, instance, raise_on_error=False)


def _render_here() -> None:
    """Run what a render process does in a thread: one that is forked for each life costs more than all the rest."""

    async def run(_pool: ProcessPool, function: Callable[..., Any], *args: Any, **_options: Any) -> Any:  # noqa: ANN401 - stands for any call
        return await asyncio.to_thread(function, *args)

    for name in ("__enter__", "__exit__"):
        setattr(ProcessPool, name, lambda pool, *_: pool)
    ProcessPool.run = run  # type: ignore[method-assign, assignment]
    ProcessPool.worker_of = lambda _pool, _name: None  # type: ignore[method-assign, assignment]
