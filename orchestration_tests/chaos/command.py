"""What `python -m orchestration_tests.chaos` does: its options, and the matrix as a table.

Keep out: kills and troubles (`matrix`).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random
from typing import Annotated, Any

import typer

from orchestration.cli.output import DONE, SOME_FAILED, console, note, print_json, print_table
from orchestration_tests.chaos.faults import Moment
from orchestration_tests.chaos.matrix import NAMES, Matrix, domain_under_trial, run_faults, run_kills, stage_on
from orchestration_tests.chaos.server import own_server
from orchestration_tests.chaos.troubles import troubles
from orchestration_tests.server import MEMORY

SHOWN_VIOLATIONS = 20


def main(
    kills: Annotated[int, typer.Option(min=0, help="How often work is killed, over all domains.")] = 100,
    troubles_each: Annotated[int, typer.Option("--troubles", min=0, help="Trials of each other trouble.")] = 2,
    domain: Annotated[list[str] | None, typer.Option(help=f"Only this one of {', '.join(NAMES)}.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed plans the same kills.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line.")] = False,
) -> None:
    """Kill the work of every domain at every fault point, and see that nothing is lost, doubled or stuck."""
    names = domain or list(NAMES)
    if unknown := set(names) - set(NAMES):
        raise typer.BadParameter(f"there is no domain {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    matrix: Matrix = {}
    parent = MEMORY if MEMORY.is_dir() else None
    with (
        own_server() as server,
        tempfile.TemporaryDirectory(prefix="chaos-", dir=parent) as folder,
        stage_on(server.url, Path(folder)) as stage,
    ):
        for number, name in enumerate(names):
            share = kills * (number + 1) // len(names) - kills * number // len(names)
            with domain_under_trial(name, stage, seed) as trial:
                note(f"{name}: {share} kills over {len(trial.cells())} cells")
                run_kills(trial, share, Random(f"kills {seed} {name}"), matrix, lambda _: _note_so_far(matrix))
                run_faults(trial, troubles(server), troubles_each, matrix)
    _print_as_json(matrix) if as_json else _print(matrix)
    raise typer.Exit(SOME_FAILED if any(tally.violations for tally in matrix.values()) else DONE)


def _note_so_far(matrix: Matrix) -> None:
    """For those who stop it before its end."""
    kills, recovered = (sum(getattr(one, what) for one in matrix.values()) for what in ("kills", "recovered"))
    note(f"{kills} kills so far, {recovered} recovered")


def _rows(matrix: Matrix) -> list[tuple[Any, ...]]:
    """A row for each point of each domain: trials by moment, recovered, violations."""
    rows = []
    for domain, point, victim in dict.fromkeys((cell.domain, cell.point, cell.victim) for cell in matrix):
        fields = (domain, point, victim)
        cells = {one.moment: tally for one, tally in matrix.items() if (one.domain, one.point, one.victim) == fields}
        moments = [cells[moment].kills if moment in cells else "" for moment in Moment]
        total = sum(tally.kills for tally in cells.values())
        recovered = sum(tally.recovered for tally in cells.values())
        shown = f"{point}, {victim} killed" if victim else point
        rows.append((domain, shown, *moments, total, recovered, total - recovered))
    return sorted(rows, key=lambda row: (NAMES.index(row[0]), row[2] == row[4] == "", row[1]))


def _print(matrix: Matrix) -> None:
    rows = _rows(matrix)
    columns = ("domain", "point or trouble", *Moment, "trials", "recovered", "not")
    total = ("all", "", "", "", "", *(sum(row[number] for row in rows) for number in (5, 6, 7)))
    print_table("Chaos", columns, [*rows, total])
    found = dict.fromkeys(
        f"{cell.domain}, {cell.point} {cell.moment} {cell.victim}: {one}"
        for cell, tally in matrix.items()
        for one in tally.violations
    )
    for line in list(found)[:SHOWN_VIOLATIONS]:
        console().print(line)


def _print_as_json(matrix: Matrix) -> None:
    print_json(
        [
            {**cell._asdict(), "kills": tally.kills, "recovered": tally.recovered, "violations": tally.violations}
            for cell, tally in matrix.items()
        ]
    )
