"""What happened to print tasks, for those that follow a drain.

It holds plain data. Keep out: how it is shown.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


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
