"""Run the fuzzers: `python -m orchestration_tests.fuzz --minutes 10 [TARGET ...]`; `make fuzz` does.

Each target runs in processes of its own under atheris, which follows what code an input reaches and keeps those that
reach more, in `.orchestration/fuzz`. A case that is found is written beside the others of `corpus`, where the tests
replay it: correct what it shows, and commit it. Exit code 1 when there is one. Keep out: the targets.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

CORPUS = Path(__file__).with_name("corpus")
_KEPT = Path(".orchestration/fuzz")
_LONGEST_SECONDS = 120  # by the clock, for what hangs without using the processor
_MOST_MEMORY_MB = 3000
# atheris holds for ever what each comparison gave (seen in 3.0.0). Where that is an array, a process takes 3 GB in ten
# minutes; so each target is run by several, one after the other.
_LONGEST_PIECE_SECONDS = 180
_FIGURES = re.compile(r"#(\d+)\s.*?cov: (\d+) ft: (\d+) corp: (\d+)/.*?exec/s: (\d+) rss: (\d+)Mb")


class _Piece(NamedTuple):
    """How one process went: whether it found something, its figures, and all that it said."""

    found: bool
    inputs: int
    reached: int
    corpus: int
    megabytes: int
    said: str


def main(
    targets: Annotated[list[str] | None, typer.Argument(help="All, unless they are named")] = None,
    minutes: Annotated[float, typer.Option(help="For each target")] = 10.0,
) -> None:
    """Fuzz one target after another, and say for each how many inputs it took and what was found."""
    from orchestration_tests.fuzz.table import TARGETS

    names = targets or list(TARGETS)
    if unknown := sorted(set(names) - set(TARGETS)):
        raise typer.BadParameter(f"there is no target {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    found = [name for name in names if not _run(name, minutes)]
    if found:
        typer.echo(f"found something: {', '.join(found)}")
        raise typer.Exit(1)


def _run(name: str, minutes: float) -> bool:
    """Run one target; whether it found nothing."""
    kept, cases = _KEPT / name, CORPUS / name
    for folder in (kept, cases):
        folder.mkdir(parents=True, exist_ok=True)
    started, count = time.monotonic(), max(1, round(minutes * 60 / _LONGEST_PIECE_SECONDS))
    with tempfile.TemporaryDirectory(prefix="fuzz-seeds-") as seeds:
        pieces: list[_Piece] = []
        while len(pieces) < count and not (pieces and pieces[-1].found):
            pieces.append(_run_piece(name, (str(kept), str(cases), seeds), f"{cases}/", round(minutes * 60 / count)))
    *_, last = pieces
    typer.echo(
        f"{name}: {sum(one.inputs for one in pieces)} inputs in {time.monotonic() - started:.0f} s, {last.reached} "
        f"places reached by {last.corpus} inputs, {max(one.megabytes for one in pieces)} MB, "
        f"{'FOUND' if last.found else 'nothing found'}"
    )
    if last.found:
        typer.echo(last.said[-4000:])
    return not last.found


def _run_piece(name: str, folders: Sequence[str], found_prefix: str, seconds: int) -> _Piece:
    """Fuzz in one process, which begins with what those before it have kept."""
    command = [
        sys.executable, "-m", "orchestration_tests.fuzz.driver", name, *folders,
        f"-max_total_time={seconds}", f"-timeout={_LONGEST_SECONDS}", f"-report_slow_units={_LONGEST_SECONDS}",
        f"-rss_limit_mb={_MOST_MEMORY_MB}", f"-artifact_prefix={found_prefix}", "-print_final_stats=1",
    ]  # fmt: skip
    done = subprocess.run(  # noqa: S603 - our own program
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False
    )
    figures = _FIGURES.findall(done.stdout)
    inputs, reached, _, corpus, _, memory = map(int, figures[-1]) if figures else (0,) * 6
    return _Piece(done.returncode != 0, inputs, reached, corpus, memory, done.stdout)


if __name__ == "__main__":
    typer.run(main)
