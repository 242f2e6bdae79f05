"""What became of print tasks, for whoever follows a drain.

Belongs here: plain data. Does not: how it is shown.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Printing(StrEnum):
    """How an attempt at a print task ended."""

    RENDERED = "rendered"
    CACHED = "cached"
    SKIPPED = "skipped"
    REFUSED = "refused"
    FAILED = "failed"


class PrintedTask(NamedTuple):
    """One attempt at a print task; one that is not final will be made again.

    `milliseconds` are those of the rendering, 0 without one; `preview_key` is the object that holds the picture.
    """

    task_id: int
    sku: str
    outcome: Printing
    text: str = ""
    milliseconds: float = 0.0
    preview_key: str | None = None
    problem: str = ""
    remedy: str = ""
    is_final: bool = True

    @property
    def reason(self) -> str:
        """The problem, with the remedy if one is known."""
        return f"{self.problem}: {self.remedy}" if self.remedy else self.problem


class PrintTally:
    """What one process has done with print tasks: how many ended how, and why those failed that did, by task."""

    def __init__(self) -> None:
        self.counts: Counter[Printing] = Counter()
        self.problems: dict[int, str] = {}

    def add(self, printed: Sequence[PrintedTask]) -> None:
        """Count the tasks that have ended."""
        for task in printed:
            if not task.is_final:
                continue
            self.counts[task.outcome] += 1
            if task.problem:
                self.problems[task.task_id] = task.reason

    def summary(self) -> dict[str, int]:
        """How many tasks ended how."""
        return {outcome.value: self.counts[outcome] for outcome in Printing}
