"""The table of all races, and under what conditions they were run. Keep out: running them."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestration_tests.benchmarks.timing import Race, Timing

_SHORT = 0.1


def race_table(races: Iterable[Race]) -> Table:
    """Return one line a race, the ratios first: above 1 we are faster, or use less CPU."""
    table = Table(
        "wall", "CPU", "what", "ours", "rival", "the rival", title="How many times the rival takes what we take"
    )
    for race in races:
        wall, cpu = (_ratio(*pair) for pair in zip(race.rival[:2], race.ours[:2], strict=True))
        table.add_row(wall, cpu, race.what, _seconds(race.ours), _seconds(race.rival), race.rival_name)
    return table


def _ratio(rival: float, ours: float) -> str:
    return f"{rival / ours:.2f}x" if rival and ours else "-"


def _seconds(timing: Timing) -> str:
    """Wall and CPU, where it was measured."""
    unit, factor = ("ms", 1000) if timing.wall < _SHORT else ("s", 1)
    cpu = f" ({factor * timing.cpu:.2f} CPU)" if timing.cpu else ""
    return f"{factor * timing.wall:.2f} {unit}{cpu}"


def conditions() -> str:
    """Return what a reader must know of the machine: its cores, and how busy others keep it."""
    cores = len(os.sched_getaffinity(0))
    busy = os.getloadavg()[0] / cores
    state = "quiet" if busy < 1 + _SHORT else "busy: trust the CPU seconds more than the wall"
    return (
        f"{cores} cores ({platform.machine()}), load {os.getloadavg()[0]:.1f}, {state}; "
        f"Python {platform.python_version()}, Dagster {version('dagster')}"
    )
