"""How a call in a process of its own fails, when it is not by an error of this package.

Errors that name the item. Keep out: when they are raised (`pool`).
"""

from __future__ import annotations

from orchestration.errors import TransientError


class RenderingError(TransientError):
    """A call failed. `item` names what it was for, `problem` says how it ended."""

    def __init__(self, item: str, problem: str) -> None:
        super().__init__(f"{item}: {problem}")
        self.item = item
        self.problem = problem


class UnexpectedError(RenderingError):
    """The function raised an error that is none of this package: a fault, no memory, a recursion too deep."""


class KilledError(RenderingError):
    """The process was killed, or died, before the call ended."""


class TimeLimitError(KilledError):
    """The call took longer than its time limit and was killed with everything that it had started."""
