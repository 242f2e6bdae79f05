"""All benchmarks that race a rival, in ten minutes: the table of ratios first, then what each part printed.

    make bench                                         all parts
    python -m orchestration_tests.benchmarks PART...   those parts alone
    ... --rival FOLDER                                 syncs against the program of that folder (`rival`)

Each part is a process of its own, which writes its races to a file as they end: one that fails or takes too long costs
its other races alone. What takes longer runs by its own name: `python -m orchestration_tests.benchmarks.media_gc`.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer
from rich.console import Console

from orchestration.observability.logs import configure_logging
from orchestration_tests.benchmarks.options import Options
from orchestration_tests.benchmarks.table import conditions, race_table
from orchestration_tests.benchmarks.timing import Race

PARTS = {"commands": 0.25, "catalogue": 0.4, "prints": 0.1, "work_queue": 0.1, "gallery": 0.1, "canvas": 0.05}
"""The parts, and what of the time each may take."""
MINUTES = 9.0
# A part ends its last round a little late, and its servers want to be stopped.
_GRACE = 10.0
_WIDTH = 170


class Ended(NamedTuple):
    """A part that has ended: its races, what it printed, and what went wrong."""

    part: str
    races: list[Race]
    printed: str
    problem: str = ""


def bench(
    parts: Annotated[list[str] | None, typer.Argument(help=f"Of {', '.join(PARTS)}; all if none is named.")] = None,
    rival: Annotated[Path | None, typer.Option(help="The folder of a rival of the sync.", exists=True)] = None,
    minutes: Annotated[float, typer.Option(help="How long all parts may take together.")] = MINUTES,
    races_to: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Race the product against named rivals."""
    chosen = parts or list(PARTS)
    if unknown := set(chosen) - PARTS.keys():
        raise typer.BadParameter(f"there is no part {', '.join(sorted(unknown))}")
    if races_to:
        _run_part(chosen[0], Options(60 * minutes, rival), races_to)
        return
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    before, ended = conditions(), _run_all(chosen, 60 * minutes, rival)
    console.print(race_table(race for one in ended for race in one.races))
    console.print(f"before: {before}\nafter:  {conditions()}", highlight=False)
    for one in ended:
        console.rule(f"{one.part} {one.problem}")
        console.print(one.printed, markup=False, highlight=False)
    if any(one.problem for one in ended):
        raise typer.Exit(1)


def _run_part(part: str, options: Options, races_to: Path) -> None:
    """Run a part in this process, which stops its servers when it is ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("cut off"))
    configure_logging("ERROR")
    races: list[Race] = []
    for race in import_module(f"orchestration_tests.benchmarks.{part}").races(options):
        races.append(race)
        races_to.write_bytes(msgspec.json.encode(races))


def _run_all(parts: list[str], seconds: float, rival: Path | None) -> list[Ended]:
    ends, ended = time.monotonic() + seconds, []
    shares = {part: PARTS[part] for part in parts}
    while shares:
        left = ends - time.monotonic()
        part = next(iter(shares))
        # What one part leaves over is for those that follow.
        granted = left * shares[part] / sum(shares.values())
        del shares[part]
        print(f"{part}: up to {granted:.0f} s", file=sys.stderr, flush=True)
        ended.append(_run_apart(part, granted, left, rival))
    return ended


def _run_apart(part: str, granted: float, limit: float, rival: Path | None) -> Ended:
    """Run a part in a process of its own, and end it at the limit."""
    with tempfile.TemporaryDirectory(prefix="orchestration-bench-") as folder:
        races_to, printed = Path(folder) / "races.json", Path(folder) / "printed.txt"
        words = [sys.executable, "-m", __package__, part, "--minutes", str(granted / 60), "--races-to", str(races_to)]
        words += ["--rival", str(rival)] if rival else []
        with printed.open("wb") as file:
            running = subprocess.Popen(words, stdout=file, stderr=file)  # noqa: S603 - this program
            try:
                code = running.wait(max(1.0, limit))
                problem = f"failed with {code}" if code else ""
            except subprocess.TimeoutExpired:
                problem = f"was cut off after {limit:.0f} s"
                _end(running)
        races = msgspec.json.decode(races_to.read_bytes(), type=list[Race]) if races_to.exists() else []
        return Ended(part, races, printed.read_text(encoding="utf-8", errors="replace"), problem)


def _end(running: subprocess.Popen[bytes]) -> None:
    running.terminate()
    try:
        running.wait(_GRACE)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()


if __name__ == "__main__":
    typer.run(bench)
