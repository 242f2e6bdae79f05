"""The soak: processes, load and faults over time, and the report.

Two processes drain every queue: a steady one, whose memory is watched, and one that dies again and again at a point
of its work. A third runs what is scheduled. Now and then the database drops everybody. Keep out: the load (`load`),
what is measured (`measuring`), and what has to hold in the end (`ending`).
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated, Any

import typer
from sqlalchemy.engine import make_url

from orchestration.cli.output import DONE, SOME_FAILED, console, note, print_json, print_table
from orchestration.domains import Domains
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration_tests.chaos.faults import Kill, Moment, StoreTrouble
from orchestration_tests.chaos.points import POINTS
from orchestration_tests.chaos.server import own_server
from orchestration_tests.chaos.serving import serving
from orchestration_tests.chaos.soak.ending import broken_promises
from orchestration_tests.chaos.soak.load import Load
from orchestration_tests.chaos.soak.measuring import Meter
from orchestration_tests.chaos.soak.work import Task, drain_everything, run_checks, run_schedules
from orchestration_tests.chaos.worlds import world_settings
from orchestration_tests.conftest import fresh_database, make_dagster_tables, migrate_database

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

    from orchestration_tests.chaos.server import Server
    from orchestration_tests.chaos.serving import Outside

SAMPLE_SECONDS = 10.0
RESTART_SECONDS = 300.0
# How long everything that was asked for may take to be done after the last customer.
LONGEST_END_SECONDS = 600.0
STOP_SECONDS = 60.0
FAILING_STORE, STALLING_STORE = 0.01, 0.002
MOST_PASSAGES = {
    "commit": 400,
    "claim": 150,
    "settle": 150,
    "object put": 60,
    "lease renewal": 12,
    "outbox delivery": 15,
}
# What a sane installation has; a chaos of seconds needs shorter waits.
RETRIES = {
    f"{what}_retry_seconds": 0.5 for what in ("family", "image", "print", "mirror", "mockup", "preview", "notification")
}

# The garment of the mockups is in no feed.
EXPECTED = {"no_removals_held_back"}

_processes = multiprocessing.get_context("spawn")


def main(
    minutes: Annotated[float, typer.Option(min=0.2, help="How long the load goes on.")] = 30.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same load.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line.")] = False,
) -> None:
    """Load every domain for a while with faults, and see what it does to speed, memory and what was promised."""
    with own_server() as server, tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder, url = Path(name), make_url(server.url)
        with fresh_database(url) as domain_url, fresh_database(url) as dagster_url, serving(folder) as outside:
            migrate_database(domain_url)
            make_dagster_tables(dagster_url)
            settings = world_settings(folder, outside, (domain_url, dagster_url)) | RETRIES | _OF_THE_SOAK
            with closing(Services(Settings(**settings))) as services:
                soak = Soak(Domains(services), settings, server, outside, seed)
                report = soak.run(60 * minutes)
    print_json(report) if as_json else _print(report)
    raise typer.Exit(SOME_FAILED if report["violations"] else DONE)


# One process has the drains of all queues, each of which keeps a connection for itself.
_OF_THE_SOAK: dict[str, Any] = {
    "database_connections": 40,
    "gc_ttl_days": 1.0, "gc_grace_hours": 0.005, "snapshot_operations": 40, "mockup_still_size": 96,
    "mockup_samples": 1, "mockup_concurrency": 1, "preview_concurrency": 1, "print_concurrency": 1,
    "signup_min_score": 1.0, "signup_images": 10, "gc_max_share": 1.0,
}  # fmt: skip


class Soak:
    """One soak."""

    def __init__(self, domains: Domains, settings: dict[str, Any], server: Server, outside: Outside, seed: int) -> None:
        self._domains, self._settings, self._server, self._outside = domains, settings, server, outside
        self._random = Random(seed)
        self._load = Load(domains, outside, seed)
        self._meter = Meter(domains.canvas.database)
        self._faults: Counter[str] = Counter()
        self._running: dict[str, SpawnProcess] = {}

    def run(self, seconds: float) -> dict[str, Any]:
        """Load, wait for the end of everything, stop, and judge; the report."""
        self._load.prepare()
        self._keep_up(may_kill=True)
        begun = time.monotonic()
        restart_at, sample_at = begun + RESTART_SECONDS / 2, begun
        while (now := time.monotonic()) < begun + seconds:
            self._load.act()
            self._keep_up(may_kill=True)
            if now >= sample_at:
                sample_at += SAMPLE_SECONDS
                self._sample(now - begun)
            if now >= restart_at:
                restart_at += RESTART_SECONDS
                self._faults["database restarts"] += 1
                self._server.restart()
            time.sleep(0.05)
        loaded = time.monotonic() - begun
        note(f"The load has ended after {loaded:.0f} s; waiting for what is left")
        self._finish(begun)
        self._stop()
        found = run_checks(self._settings, self._home("checks"))
        deaths = sum(self._faults.values())
        broken = broken_promises(self._domains, self._load, self._outside, deaths)
        return self._report(loaded, [*broken, *(f"the check {name} fails" for name in found if name not in EXPECTED)])

    def _keep_up(self, *, may_kill: bool) -> None:
        """Start what is missing: at first everything, then what has died."""
        for name in ("steady", "mortal", "scheduler"):
            process = self._running.get(name)
            if process is not None and process.is_alive():
                continue
            if process is not None:
                self._faults[f"{name} ended with {process.exitcode}"] += 1
            self._running[name] = self._start(name, may_kill=may_kill)

    def _start(self, name: str, *, may_kill: bool) -> SpawnProcess:
        trouble = StoreTrouble(self._random.randrange(2**32), FAILING_STORE, STALLING_STORE) if may_kill else None
        kill = self._kill() if name == "mortal" and may_kill else None
        task = Task(self._settings, kill, trouble)
        if name == "scheduler":
            process = _processes.Process(target=run_schedules, args=(task, self._home("schedules")))
        else:
            process = _processes.Process(target=drain_everything, args=(task,))
        process.start()
        return process

    def _kill(self) -> Kill:
        point = self._random.choice(sorted(MOST_PASSAGES.keys() & POINTS.keys()))
        passage = self._random.randint(1, MOST_PASSAGES[point])
        return Kill(point, self._random.choice(list(Moment)), passage, self._random.uniform(0, 0.004))

    def _home(self, name: str) -> Path:
        home: Path = self._settings["home"].with_name(name)
        home.mkdir(exist_ok=True)
        return home

    def _sample(self, seconds: float) -> None:
        self._meter.sample(seconds, {name: process.pid for name, process in self._running.items()})

    def _finish(self, begun: float) -> None:
        """Wait until nothing is left to be done; nothing more dies."""
        self._running["mortal"].kill()
        self._running["mortal"].join()
        end, quiet = time.monotonic() + LONGEST_END_SECONDS, 0
        while quiet < 4 and time.monotonic() < end:
            self._keep_up(may_kill=False)
            self._sample(time.monotonic() - begun)
            quiet = quiet + 1 if self._meter.samples[-1].unfinished == 0 else 0
            time.sleep(SAMPLE_SECONDS)

    def _stop(self) -> None:
        for process in self._running.values():
            process.terminate()
        for name, process in self._running.items():
            process.join(STOP_SECONDS)
            if process.exitcode != 0:
                self._faults[f"{name} stopped with {process.exitcode}"] += 1
                process.kill()

    def _report(self, seconds: float, violations: list[str]) -> dict[str, Any]:
        samples = [one for one in self._meter.samples if one.seconds <= seconds]
        chosen = [samples[len(samples) * n // 10] for n in range(10)] + [samples[-1]] if samples else []
        return {
            "minutes": round(seconds / 60, 1),
            "asked": dict(self._load.done),
            "faults": dict(self._faults),
            "latencies": [one._asdict() for one in self._meter.latencies()],
            "samples": [one._asdict() for one in chosen],
            "violations": violations,
        }


def _print(report: dict[str, Any]) -> None:
    minutes = report["minutes"]
    console().print(f"Soak of {minutes} minutes", style="bold")
    for name in ("asked", "faults"):
        console().print(f"  {name}: " + ", ".join(f"{count} {what}" for what, count in report[name].items()))
    rows = [
        (one["queue"], one["tasks"], round(one["tasks"] / minutes, 1), one["p50"], one["p95"], one["p99"])
        for one in report["latencies"]
    ]
    columns = ("queue", "tasks", "a minute", "p50 s", "p95 s", "p99 s")
    print_table("Throughput, and seconds from enqueueing to the end", columns, rows)
    names = list(report["samples"][0]["megabytes"])
    measured = [
        (
            round(one["seconds"]),
            *(one["megabytes"].get(name, "") for name in names),
            one["connections"],
            one["unfinished"],
        )
        for one in report["samples"]
    ]
    print_table("Over time", ("second", *(f"{name} MB" for name in names), "connections", "unfinished"), measured)
    for line in report["violations"] or ["Everything that was promised holds"]:
        console().print(line)
