"""What a person sees of a running system: one line when a service is ready, one for each event that matters.

It reads what the services write into their logs, and the ends of Dagster's runs. Keep out: the services' lives
(`processes`), and the whole of their logs, which stays in the files.
"""

from __future__ import annotations

import json
import os
import re
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

import dagster as dg

from orchestration.cli.failures import step_failure
from orchestration.cli.output import note
from orchestration.runtime.drains import DRAIN_TAG
from orchestration.runtime.partitions import UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# How often runs are asked for, and services that are not ready yet.
_ASK_SECONDS = 2.0
_ANSWER_SECONDS = 1.0
_LAST_LINES = 5
_TAIL_BYTES = 2**16
_LONGEST_LINE = 300
_WORTH_A_LINE = {"error", "critical", "exception"}
_AGAIN_SECONDS = 300.0
# They need the code server, and say so when it ends before them.
_LOST_AT_THE_END = {"daemon", "ui"}
# Dagster's daemon logs an error of a sensor twice, and the second time with the sensor's name.
_SAID_TWICE = {"Sensor tick caught an error"}
# In the text of an exception within a list, line breaks are written out, more often escaped with each level.
_CAUSED = re.compile(r"caused by the following exception:\\+n(.+?)\\+n")
_SUCCESS = dg.DagsterRunStatus.SUCCESS


class Service(NamedTuple):
    """One of the processes.

    One that people go to has a `url`, for what `about` says; it is ready once the path `ready` under it answers.
    """

    name: str
    command: Sequence[str]
    log: Path
    url: str = ""
    ready: str = ""
    about: str = ""


class Console:
    """Watches the services of one system, and prints a line now and then."""

    def __init__(self, services: Sequence[Service], instance: dg.DagsterInstance) -> None:
        self._services = services
        self._instance = instance
        self._waiting = [service for service in services if service.url]
        self._read = {service.name: _size(service.log) for service in services}
        self._asked_at = 0.0
        self._ends_after = datetime.now(UTC)
        self._seen: set[str] = set()
        self._said: dict[str, float] = {}
        self._is_stopping = False

    def look(self) -> None:
        """Print what has happened since the last look."""
        for service in self._services:
            for line in self._new_lines(service):
                if (event := _event(line)) and not (self._is_stopping and service.name in _LOST_AT_THE_END):
                    self._print_once(service.name, event)
        if time.monotonic() - self._asked_at >= _ASK_SECONDS:
            self._asked_at = time.monotonic()
            self._ask_services()
            self._ask_runs()

    def stopping(self) -> None:
        """Say that the end is under way; runs finish what they have begun."""
        self._is_stopping = True
        show("all", "stopping; what has begun is finished first, a second Ctrl-C hurries")

    def ended(self, number: int, code: int) -> None:
        """Say which service ended by itself, with the last that it wrote."""
        service = self._services[number]
        show(service.name, f"ended by itself with exit code {code}, and so does the rest; {service.log} ends with")
        for line in _last_lines(service.log):
            note(f"           {line[:_LONGEST_LINE]}")

    def _ask_services(self) -> None:
        for service in list(self._waiting):
            if _answers(service.url + service.ready):
                self._waiting.remove(service)
                show(service.name, f"ready: {service.url}  {service.about}")
                if not self._waiting:
                    show("all", f"ready; Ctrl-C stops everything. Whole logs: {service.log.parent}")

    def _ask_runs(self) -> None:
        """The runs that ended since the last time, but for checks and drains that ended well: those are the pulse."""
        wanted = dg.RunsFilter(updated_after=self._ends_after)
        try:
            records = self._instance.get_run_records(wanted, limit=100, order_by="update_timestamp", ascending=True)
        except Exception as error:  # noqa: BLE001 - a database that is away is told, and asked again
            show("database", f"does not answer: {' '.join(str(error).split())[:_LONGEST_LINE]}")
            return
        for record in records:
            run = record.dagster_run
            self._ends_after = max(self._ends_after, record.update_timestamp)
            if run.status not in UNFINISHED and run.run_id not in self._seen:
                self._seen.add(run.run_id)
                self._print_run(record)

    def _print_run(self, record: dg.RunRecord) -> None:
        run = record.dagster_run
        if run.status is not _SUCCESS:
            ui = next(service.url for service in self._services if service.name == "ui")
            show("run", f"{run.job_name} {run.status.value}: {ui}/runs/{run.run_id}{self._why(run)}")
        elif DRAIN_TAG not in run.tags and not run.job_name.endswith("_check"):
            seconds = (record.end_time or 0) - (record.start_time or 0)
            show("run", f"{run.job_name} finished in {seconds:.0f} s")

    def _why(self, run: dg.DagsterRun) -> str:
        """What made the run fail, in the words of its step, or else of the system that ended it."""
        for kind in (dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE):
            for record in self._instance.get_records_for_run(run.run_id, of_type=kind, limit=1).records:
                if (event := record.event_log_entry.dagster_event) and (words := _failure(event)):
                    return f"  {words[:_LONGEST_LINE]}"
        return ""

    def _print_once(self, name: str, text: str) -> None:
        """What a sensor says every few seconds is a line now, and again when some minutes have passed."""
        now = time.monotonic()
        if now - self._said.get(text, -_AGAIN_SECONDS) >= _AGAIN_SECONDS:
            self._said[text] = now
            show(name, text)

    def _new_lines(self, service: Service) -> Iterator[str]:
        """The whole lines that were written since the last look; all of a log that was emptied meanwhile."""
        if not service.log.exists():
            return
        with service.log.open("rb") as file:
            if file.seek(0, os.SEEK_END) < self._read[service.name]:
                self._read[service.name] = 0
            file.seek(self._read[service.name])
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._read[service.name] += len(line)
                yield line.decode(errors="replace")


def _failure(event: dg.DagsterEvent) -> str:
    """The words of a failed step or run, as one line."""
    if event.event_type is dg.DagsterEventType.STEP_FAILURE:
        return step_failure(event)
    return " ".join((event.message or "").split())


def _last_lines(log: Path) -> list[str]:
    """The last lines of a log, which may be large; none of one that was removed."""
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(-min(_TAIL_BYTES, file.seek(0, os.SEEK_END)), os.SEEK_END)
        return file.read().decode(errors="replace").splitlines()[-_LAST_LINES:]


def _size(log: Path) -> int:
    log.touch()
    return log.stat().st_size


def _event(line: str) -> str | None:
    """What a line of a log says, if it is worth one here."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    if not isinstance(entry, dict) or str(entry.get("level")).lower() not in _WORTH_A_LINE:
        return None
    event = str(entry.get("event"))
    if event in _SAID_TWICE:
        return None
    more = entry.get("error") or _cause(entry) or entry.get("http_request_id")
    return (f"{event}: {more}" if more else event)[:_LONGEST_LINE]


def _cause(entry: dict[str, object]) -> str:
    """What Dagster's error was caused by: it shows the error of an asset or sensor inside of its own."""
    found = _CAUSED.search(str(entry.get("exc_info", "")))
    return found[1] if found else ""


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310 - our own
            return bool(answer.status == HTTPStatus.OK)
    except (OSError, urllib.error.URLError):
        return False


def show(name: str, text: str) -> None:
    """Print a line about a part of the system."""
    note(f"{datetime.now(UTC):%H:%M:%S}  {name:<9}  {text}")
