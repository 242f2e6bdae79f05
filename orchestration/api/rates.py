"""How many requests a caller may make: a bucket of tokens for each, refilled at a steady pace.

Within this process. Keep out: who the caller is (`access`).
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING

from orchestration.api.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable

# Callers that are remembered; one that was forgotten begins with a full bucket.
MOST_CALLERS = 10_000


class Rates:
    """The buckets of all callers: `burst` requests at once, and `per_second` in the long run."""

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._lock = Lock()
        # When the bucket of a caller will be full again, the newest last (the generic cell rate algorithm).
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, caller: str) -> None:
        """Count one request; raises `ProblemError` 429, with the wait, for one too many."""
        with self._lock:
            now = self._clock()
            full_at = max(now, self._full_at.get(caller, now)) + 1 / self._per_second
            wait = full_at - now - self._burst / self._per_second
            if wait <= 1e-9:  # noqa: PLR2004 - rounding
                self._full_at[caller] = full_at
                self._full_at.move_to_end(caller)
                if len(self._full_at) > MOST_CALLERS:
                    self._full_at.popitem(last=False)
                return
        detail = f"More than {self._per_second:g} requests a second; slow down"
        headers = {"Retry-After": str(max(1, math.ceil(wait)))}
        raise ProblemError(HTTPStatus.TOO_MANY_REQUESTS, "rate_limited", detail, headers=headers)
