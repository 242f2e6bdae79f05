"""From this package's errors to Dagster's: what a step may retry, and what it must not.

Belongs here: the one mapping. Does not: errors of single items, which never fail a step by themselves.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.errors import PermanentError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def step_failures(*, attempts: int = 1, wait_seconds: float = 0.0) -> Iterator[None]:
    """Make a permanent error end the step for good, and a transient one ask for another attempt, `attempts` in all.

    The other side's own wish for a wait wins over `wait_seconds` when it is longer.
    """
    try:
        yield
    except PermanentError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    except TransientError as error:
        if attempts == 1:
            raise
        wait = max(wait_seconds, error.retry_after or 0.0)
        raise dg.RetryRequested(max_retries=attempts - 1, seconds_to_wait=wait) from error
