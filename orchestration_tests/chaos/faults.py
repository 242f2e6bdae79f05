"""What goes wrong in a process on purpose: it dies at a point, or its object store answers badly.

Keep out: where the points are (`points`), and troubles that last (`troubles`).
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections import Counter
from enum import StrEnum
from math import inf
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestration_tests.chaos.points import wrap_points

if TYPE_CHECKING:
    from collections.abc import Callable


class Moment(StrEnum):
    """When at a point the process dies: before the effect, somewhere within it, or after it."""

    BEFORE = "before"
    WITHIN = "within"
    AFTER = "after"


class Kill(NamedTuple):
    """Death at the `passage`-th time that a point is passed; within the effect, after so many `seconds`."""

    point: str
    moment: Moment
    passage: int
    seconds: float = 0.0


class StoreTrouble(NamedTuple):
    """An object store of which a share of the calls fails, and a share takes long first; for so many `seconds`."""

    seed: int
    failing: float = 0.0
    stalling: float = 0.0
    stall_seconds: float = 2.0
    seconds: float = inf


class Passages:
    """Counts how often each point is passed, and kills the process where `kill` says so."""

    def __init__(self, kill: Kill | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self._kill = kill
        self._lock = threading.Lock()

    def before(self, point: str) -> int:
        """Count a passage; its number."""
        with self._lock:
            self.counts[point] += 1
            passage = self.counts[point]
        if self._is_fatal(point, passage, Moment.BEFORE):
            _die()
        if self._is_fatal(point, passage, Moment.WITHIN):
            threading.Thread(target=self._die_soon, daemon=True).start()
        return passage

    def after(self, point: str, passage: int) -> None:
        """Note that the effect was made."""
        if self._is_fatal(point, passage, Moment.AFTER):
            _die()

    def _is_fatal(self, point: str, passage: int, moment: Moment) -> bool:
        kill = self._kill
        return kill is not None and (point, moment, passage) == (kill.point, kill.moment, kill.passage)

    def _die_soon(self) -> None:
        assert self._kill is not None
        time.sleep(self._kill.seconds)
        _die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def install(kill: Kill | None, trouble: StoreTrouble | None = None) -> Passages:
    """Arrange the faults of this process; the count of its passages."""
    passages = Passages(kill)
    if trouble is not None:
        trouble_store(trouble)
    wrap_points(passages)
    return passages


def trouble_store(trouble: StoreTrouble) -> None:
    """Let calls of the object store's library fail or stall, for the rest of this process."""
    import obstore

    troubled = _Troubled(trouble)
    for name in ("get", "get_range", "head", "delete"):
        setattr(obstore, name, troubled.wrapped(getattr(obstore, name)))
    for name in ("put_async", "get_async"):
        setattr(obstore, name, troubled.wrapped_async(getattr(obstore, name)))


class _Troubled:
    """Functions of the library that fail and stall by chance."""

    def __init__(self, trouble: StoreTrouble) -> None:
        self._trouble = trouble
        self._random, self._lock = Random(trouble.seed), threading.Lock()
        self._end = time.monotonic() + trouble.seconds

    def wrapped(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - stands for any function
            time.sleep(self._stall())
            self._fail()
            return function(*args, **kwargs)

        return call

    def wrapped_async(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
            await asyncio.sleep(self._stall())
            self._fail()
            return await function(*args, **kwargs)

        return call

    def _stall(self) -> float:
        return self._trouble.stall_seconds if self._happens(self._trouble.stalling) else 0.0

    def _fail(self) -> None:
        from obstore.exceptions import GenericError

        if self._happens(self._trouble.failing):
            raise GenericError("Generic error: the store was made to fail")

    def _happens(self, share: float) -> bool:
        with self._lock:
            return time.monotonic() < self._end and self._random.random() < share
