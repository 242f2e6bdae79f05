"""Measuring: wall and CPU seconds of a step, medians of several, ratios in one table.

Clocks and printing. Keep out: what is measured.
"""

from __future__ import annotations

import resource
import statistics
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Timing(NamedTuple):
    """Seconds: `cpu` is this process's and its finished children's; `peak_mb` its largest memory so far."""

    wall: float
    cpu: float
    peak_mb: float


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


def median(timings: Sequence[Timing]) -> Timing:
    """The median of each figure."""
    return Timing(*(statistics.median(column) for column in zip(*timings, strict=True)))


def report(title: str, timing: Timing, *, items: int, what: str, rival: Timing | None = None) -> None:
    """Print a line: seconds, items a second, and the ratio to the rival of the same run."""
    line = f"{title:<44} {timing.wall:8.2f} s {timing.cpu:8.2f} CPU s {items / timing.wall:9.0f} {what}/s"
    if rival is not None:
        line += f"   {rival.wall / timing.wall:5.1f} x wall, {rival.cpu / timing.cpu:5.1f} x CPU of the rival"
    print(f"{line}   peak {timing.peak_mb:.0f} MB", flush=True)


def report_race(title: str, ours: Timing, rival: Timing | None) -> None:
    """Print a line: how many times faster we are than the rival and with how much less CPU, then both in seconds."""
    line = f"{ours.wall:8.2f} s {ours.cpu:8.2f} CPU s, peak {ours.peak_mb:.0f} MB"
    if rival is None:
        print(f"{title:<14} {'':<25} {line}", flush=True)
        return
    ratios = f"{rival.wall / ours.wall:5.2f} x wall {rival.cpu / ours.cpu:5.2f} x CPU"
    print(f"{title:<14} {ratios:<25} {line}; the rival {rival.wall:.2f} s {rival.cpu:.2f} CPU s", flush=True)
