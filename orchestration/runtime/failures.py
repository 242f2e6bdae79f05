"""From this package's errors to Dagster's: what a step may retry, and what it must not.

The one mapping. Keep out: errors of single items, which never fail a step by themselves.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.errors import PermanentError, TransientError
from orchestration.work_queue.model import TaskState
from orchestration.work_queue.policy import Backoff, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def step_failures(*, attempts: int = 1, wait_seconds: float = 0.0) -> Iterator[None]:
    """Make a permanent error end the step for good, and a transient one ask for another attempt, `attempts` in all.

    The first wait is `wait_seconds`, each further one twice the one before. A longer wait that the other side asked
    for wins.
    """
    try:
        yield
    except PermanentError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    except TransientError as error:
        verdict = RetryPolicy(attempts, wait_seconds, Backoff.EXPONENTIAL).judge(_attempt(), error)
        if verdict.state is TaskState.DEAD:
            raise
        raise dg.RetryRequested(max_retries=attempts - 1, seconds_to_wait=verdict.wait) from error


def _attempt() -> int:
    """Which attempt at its step this is, from 1; outside of a step, the first."""
    try:
        return dg.OpExecutionContext.get().retry_number + 1
    except dg.DagsterInvariantViolationError:
        return 1
