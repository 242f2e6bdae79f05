"""The matrix of kills: every domain, every point that its work passes, before, within and after the effect.

A trial copies the arranged world of a domain, kills the work there again and again, has it done once more, and looks
at what came of it. Keep out: the command and its table.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy.engine import make_url

from orchestration_tests.chaos.faults import Kill, Moment, Victim
from orchestration_tests.chaos.invariants import look, violations
from orchestration_tests.chaos.serving import serving
from orchestration_tests.chaos.workloads import WORKLOADS
from orchestration_tests.chaos.worlds import Stage, arranged, copied
from orchestration_tests.conftest import (
    DAGSTER_TEMPLATE,
    TEMPLATE,
    make_dagster_tables,
    make_template,
    migrate_database,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from orchestration_tests.chaos.invariants import Outcome
    from orchestration_tests.chaos.lives import Lived
    from orchestration_tests.chaos.troubles import Fault
    from orchestration_tests.chaos.worlds import Arranged, World

KILLS_A_TRIAL = 6
# What dies within an effect dies within so many seconds of its begin.
LONGEST_WITHIN = 0.004
MISSES_A_KILL = 4


class Cell(NamedTuple):
    """A field of the matrix."""

    domain: str
    point: str
    moment: str
    victim: str = ""
    """Which process dies, where there are two."""


@dataclass
class Tally:
    """What happened in a cell: how often it killed, how many of those trials ended well, and what did not hold."""

    kills: int = 0
    recovered: int = 0
    violations: list[str] = field(default_factory=list)


Matrix = dict[Cell, Tally]


@contextmanager
def stage_on(server: str, folder: Path) -> Iterator[Stage]:
    """A stage on that server, with its files in that folder."""
    url = make_url(server)
    templates = (
        make_template(url, TEMPLATE, migrate_database),
        make_template(url, DAGSTER_TEMPLATE, make_dagster_tables),
    )
    with serving(folder) as outside:
        yield Stage(url, templates, folder, outside)


class Domain:
    """One domain under trial: its arranged world, what its work leaves undisturbed, and how often that passes points.

    The work is done undisturbed so many times: what differs then would say nothing about a kill.
    """

    def __init__(self, original: Arranged, random: Random, rehearsals: int = 2) -> None:
        self.name = original.world.workload
        self._original, self._random = original, random
        self.expected, lived = self._undisturbed(rehearsals)
        self.passages, self.findings = lived.passages, lived.findings
        self._second = lived.second

    @contextmanager
    def trial(self) -> Iterator[World]:
        """A world to make trouble in."""
        with copied(self._original) as world:
            yield world

    def _undisturbed(self, rehearsals: int) -> tuple[Outcome, Lived]:
        expected, lived = self._rehearse()
        for _ in range(rehearsals - 1):
            found, _ = self._rehearse(expected)
            assert found == expected, f"{self.name} differs from one undisturbed time to the next"
        return expected, lived

    def _rehearse(self, expected: Outcome | None = None) -> tuple[Outcome, Lived]:
        with self.trial() as world:
            lived = world.live(checks=True)
            assert lived.exit_code == 0, f"{self.name} ended with {lived.exit_code}: {lived.said}"
            found = look(world)
            wrong = violations(world, expected or found, 0)
            assert not wrong, wrong
        return found, lived

    def cells(self) -> list[Cell]:
        """The fields of the matrix: the points that the work passes, with each moment; by process if it has two."""
        if not self._second:
            return [Cell(self.name, point, moment) for point in sorted(self.passages) for moment in Moment]
        return [
            Cell(self.name, point, moment, victim)
            for victim in Victim
            for point in sorted(self._passages_of(victim))
            for moment in Moment
        ]

    def _passages_of(self, victim: str) -> Mapping[str, int]:
        return self._second if victim == Victim.SECOND else self.passages

    def kill(self, cells: Sequence[Cell], matrix: Matrix) -> int:
        """One trial: kill the work at each of these in turn, then let it be done, and judge; how many it killed."""
        died = Counter[Cell]()
        with self.trial() as world:
            for number, cell in enumerate(cells):
                if world.live(self._plan(cell, number)).was_killed:
                    died[cell] += 1
            found = self._finish(world, died.total()) if died else []
        for cell, kills in died.items():
            tally = matrix.setdefault(cell, Tally())
            tally.kills += kills
            tally.recovered += kills if not found else 0
            tally.violations += found
        return died.total()

    def _plan(self, cell: Cell, deaths: int) -> Kill:
        """Where to die; after a death there is less left to do, so the next one comes earlier."""
        most = max(1, self._passages_of(cell.victim)[cell.point] // (1 + deaths))
        within = self._random.uniform(0, LONGEST_WITHIN)
        victim = Victim(cell.victim or Victim.FIRST)
        return Kill(cell.point, Moment(cell.moment), self._random.randint(1, most), within, victim)

    def disturb(self, fault: Fault, cell: Cell, matrix: Matrix) -> None:
        """One trial: do the work under a fault, then once more without it, and judge."""
        tally = matrix.setdefault(cell, Tally())
        with self.trial() as world:
            if not fault.disturb(world, self._random):
                return
            found = self._finish(world, 1)
        tally.kills += 1
        tally.recovered += not found
        tally.violations += found

    def _finish(self, world: World, kills: int) -> list[str]:
        if not world.is_deserted():
            return ["a second process outlived the first for long"]
        lived = world.live(checks=True)
        if lived.exit_code != 0:
            return [f"the work ended with {lived.exit_code} afterwards: {lived.said}"]
        wrong = [f"found by {name}" for name in lived.findings if name not in self.findings]
        return [*violations(world, self.expected, kills), *wrong]


def run_faults(domain: Domain, faults: Sequence[Fault], times: int, matrix: Matrix) -> None:
    """Disturb the work of a domain by each fault, so many times."""
    for fault in faults:
        for _ in range(times):
            domain.disturb(fault, Cell(domain.name, fault.name, ""), matrix)


def run_kills(
    domain: Domain, kills: int, random: Random, matrix: Matrix, progress: Callable[[int], object] = lambda _: None
) -> None:
    """Kill the work of a domain so many times, spread evenly over its cells."""
    cells, died, trials = domain.cells(), 0, 0
    queue: list[Cell] = []
    while died < kills and trials < kills * MISSES_A_KILL:
        while len(queue) < KILLS_A_TRIAL:
            queue += random.sample(cells, len(cells))
        wanted = [queue.pop() for _ in range(min(KILLS_A_TRIAL, kills - died))]
        before = died
        died += domain.kill(wanted, matrix)
        trials += 1
        progress(died - before)


@contextmanager
def domain_under_trial(name: str, stage: Stage, seed: int) -> Iterator[Domain]:
    """A domain whose world is arranged."""
    with arranged(name, stage) as original:
        yield Domain(original, Random(f"{seed} {name}"))


NAMES = tuple(WORKLOADS)
