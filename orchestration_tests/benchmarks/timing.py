"""Measuring: wall and CPU seconds of a step or of a whole command, medians of several, races and their lines.

Clocks and lines. Keep out: what is measured, and the table of all races (`table`).
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_LOOK_SECONDS: Final = 0.1


class Timing(NamedTuple):
    """Seconds: `cpu` is this process's and its finished children's; `peak_mb` its largest memory so far."""

    wall: float
    cpu: float
    peak_mb: float = 0.0

    def times(self, factor: float) -> Timing:
        """Return it for so many times the work."""
        return self._replace(wall=self.wall * factor, cpu=self.cpu * factor)


class Race(NamedTuple):
    """What was done, how long it took us, and how long the rival of that name took in the same run."""

    what: str
    ours: Timing
    rival: Timing
    rival_name: str


@contextmanager
def timed(found: list[Timing]) -> Iterator[None]:
    """Append the block's timing to `found`."""
    wall, cpu = time.perf_counter(), _cpu()
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found.append(Timing(time.perf_counter() - wall, _cpu() - cpu, peak))


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def process(words: Sequence[str], variables: Mapping[str, str] | None = None) -> Timing:
    """Run a program; its wall and CPU seconds with those of the processes that it started, and its largest memory.

    PostgreSQL is not counted. Raises `RuntimeError` if it fails.
    """
    started = time.perf_counter()
    environment = {**os.environ, **(variables or {})}
    with tempfile.TemporaryFile() as said:
        running = subprocess.Popen(words, env=environment, stdout=said, stderr=said)  # noqa: S603 - the benchmarks' own
        family = _Family(running.pid)
        family.start()
        try:
            _, status, usage = os.wait4(running.pid, 0)
        except SystemExit:  # the benchmark is ended
            running.kill()
            raise
        finally:
            family.ended.set()
        running.returncode = os.waitstatus_to_exitcode(status)
        if running.returncode:
            said.seek(0)
            raise RuntimeError(f"{words} ended with {running.returncode}: {said.read()[-1000:].decode()}")
    wall = time.perf_counter() - started
    family.join()
    # The system tells the time of those that were waited for, which those that are killed in the end are not.
    return Timing(wall, max(usage.ru_utime + usage.ru_stime, family.cpu), usage.ru_maxrss / 1024)


class _Family(threading.Thread):
    """Looks again and again how much CPU a process and its descendants have used, each until it ended."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self._root = psutil.Process(pid)
        self._used: dict[int, float] = {}

    @property
    def cpu(self) -> float:
        """CPU seconds of them all, as far as they were seen."""
        return sum(self._used.values())

    def run(self) -> None:
        """Look until the process has ended."""
        while not self.ended.wait(_LOOK_SECONDS):
            with suppress(psutil.NoSuchProcess):
                for one in (self._root, *self._root.children(recursive=True)):
                    with suppress(psutil.NoSuchProcess):
                        if one.name() != "postgres":
                            self._used[one.pid] = sum(one.cpu_times()[:2])


def command(*words: str, variables: Mapping[str, str] | None = None) -> Timing:
    """Run one of our commands in a process of its own, as `process` does."""
    return process((sys.executable, "-m", "orchestration", *words), variables)


def rounds(most: int, seconds: float) -> Iterator[int]:
    """Count rounds: at least one, at most so many, and none that would probably end after so many seconds."""
    began = time.perf_counter()
    for number in range(most):
        yield number
        spent = time.perf_counter() - began
        if spent + spent / (number + 1) > seconds:
            return


def median_of(most: int, seconds: float, work: Callable[[], Timing]) -> Timing:
    """The median of several rounds of `work`, within so many seconds."""
    return median([work() for _ in rounds(most, seconds)])


def median(timings: Sequence[Timing]) -> Timing:
    """The median of each figure."""
    return Timing(*(statistics.median(column) for column in zip(*timings, strict=True)))


def report(title: str, timing: Timing, *, items: int, what: str, rival: Timing | None = None) -> None:
    """Print a line: seconds, items a second, and the ratio to the rival of the same run."""
    line = f"{title:<44} {timing.wall:8.2f} s {timing.cpu:8.2f} CPU s {items / timing.wall:9.0f} {what}/s"
    if rival is not None:
        line += f"   {rival.wall / timing.wall:5.1f} x wall, {rival.cpu / timing.cpu:5.1f} x CPU of the rival"
    print(f"{line}   peak {timing.peak_mb:.0f} MB", flush=True)


def report_race(race: Race) -> None:
    """Print a line: both in seconds."""
    lines = (f"{one.wall:.2f} s {one.cpu:.2f} CPU s peak {one.peak_mb:.0f} MB" for one in (race.ours, race.rival))
    print(f"{race.what:<44} {'; the rival '.join(lines)}", flush=True)
