"""The log lines of a worker: each names queue, worker, key and group, so that an item can be followed.

Keep out: the decisions that the lines tell of.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from orchestration.errors import OrchestrationError
from orchestration.observability.logs import get_logger
from orchestration.work_queue.model import TaskState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenacity import RetryCallState

    from orchestration.work_queue.model import Settled, Task

# How many keys a line about a claim names.
SHOWN_KEYS = 5

# What a line says of a task that ended with an error.
OUTCOMES = {TaskState.WAITING: "task retried", TaskState.DEAD: "task dead", TaskState.CANCELLED: "task cancelled"}

log = get_logger()


class WorkerLog(NamedTuple):
    """Logs what one worker of a queue does."""

    queue: str
    worker: int

    def event(self, name: str, **about: object) -> None:
        """Log something that happens once in a drain."""
        log.info(name, **self._asdict(), **about)

    def retry(self, state: RetryCallState) -> None:
        """Log that the database is away, before waiting for it."""
        error = state.outcome.exception() if state.outcome else None
        log.warning("database away", **self._asdict(), attempt=state.attempt_number, error=str(error))

    def interrupted(self, tasks: Sequence[Task], error: Exception) -> None:
        """Log that a claim goes back through no fault of its tasks."""
        log.warning("claim interrupted", **self._asdict(), error=str(error), keys=_some_keys(tasks))

    def isolating(self, tasks: Sequence[Task], error: Exception) -> None:
        """Log that tasks are handled again in halves, to find the one that causes the error."""
        about = {"error": type(error).__name__, "tasks": len(tasks), "keys": _some_keys(tasks)}
        log.info("claim handled again in halves", **self._asdict(), **about)

    def after_settling(self, tasks: Sequence[Task], error: Exception) -> None:
        """Log an error of a handler whose tasks were all settled before."""
        log.error("handler failed after settling", **self._asdict(), keys=_some_keys(tasks), exc_info=error)

    def settled(self, settled: Sequence[Settled]) -> None:
        """Log how each task ended: failures as warnings, the others for debugging."""
        is_verbose = log.is_enabled_for(logging.DEBUG)  # a busy drain completes thousands a second
        for one in settled:
            if one.error is None and not is_verbose:
                continue
            about = {**self._asdict(), **about_task(one.task)}
            if one.error is None:
                log.debug("task completed", **about)
                continue
            log.warning(OUTCOMES[one.state], **about, error=f"{type(one.error).__name__}: {one.error}")

    def not_recorded(self, failures: Sequence[Settled], error: Exception) -> None:
        """Log that the domain could not record failures."""
        keys = _some_keys([one.task for one in failures])
        log.error("failures not recorded", **self._asdict(), keys=keys, exc_info=error)


def log_unexpected(task: Task, error: Exception) -> None:
    """Log the error with its traceback, unless it is one of this package's, which names its cause."""
    if not isinstance(error, OrchestrationError):
        log.error("task failed unexpectedly", **about_task(task), exc_info=error)


def about_task(task: Task) -> dict[str, object]:
    """What a line about a task names."""
    return {"key": task.key, "group": task.grouping, "attempt": task.attempt}


def _some_keys(tasks: Sequence[Task]) -> list[str]:
    return [task.key for task in tasks[:SHOWN_KEYS]]
