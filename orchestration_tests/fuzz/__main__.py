"""Run the fuzzers: `python -m orchestration_tests.fuzz --minutes 10 [TARGET ...]`; `make fuzz` does.

Each target runs in a process of its own under atheris, which follows what code an input reaches and keeps those that
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
from typing import Annotated

import typer

CORPUS = Path(__file__).with_name("corpus")
_KEPT = Path(".orchestration/fuzz")
_LONGEST_SECONDS = 120  # by the clock, for what hangs without using the processor
_MOST_MEMORY_MB = 3000
_FIGURES = re.compile(r"#(\d+)\s.*?cov: (\d+) ft: (\d+) corp: (\d+)/.*?exec/s: (\d+) rss: (\d+)Mb")


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
    kept.mkdir(parents=True, exist_ok=True)
    cases.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-seeds-") as seeds:
        command = [
            sys.executable, "-m", "orchestration_tests.fuzz.driver", name, str(kept), str(cases), seeds,
            f"-max_total_time={round(minutes * 60)}", f"-timeout={_LONGEST_SECONDS}",
            f"-report_slow_units={_LONGEST_SECONDS}",
            f"-rss_limit_mb={_MOST_MEMORY_MB}", f"-artifact_prefix={cases}/", "-print_final_stats=1",
        ]  # fmt: skip
        done = subprocess.run(  # noqa: S603 - our own program
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False
        )
    figures = _FIGURES.findall(done.stdout)
    inputs, reached, _, corpus, _, memory = figures[-1] if figures else ("0",) * 6
    typer.echo(
        f"{name}: {inputs} inputs in {time.monotonic() - started:.0f} s, {reached} places reached by {corpus} inputs, "
        f"{memory} MB, {'nothing found' if done.returncode == 0 else 'FOUND'}"
    )
    if done.returncode:
        typer.echo(done.stdout[-4000:])
    return done.returncode == 0


if __name__ == "__main__":
    typer.run(main)
