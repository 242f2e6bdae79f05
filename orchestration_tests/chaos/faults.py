"""What goes wrong in a process on purpose: it dies at a point, or its object store answers badly.

Keep out: where the points are (`points`), and troubles that last (`troubles`).
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
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
    from pathlib import Path


class Moment(StrEnum):
    """When at a point the process dies: before the effect, somewhere within it, or after it."""

    BEFORE = "before"
    WITHIN = "within"
    AFTER = "after"


class Victim(StrEnum):
    """Who dies, of a process that does the work and the second one that it may have forked."""

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"


class Kill(NamedTuple):
    """Death at the `passage`-th time that a process passes a point; within the effect, after so many `seconds`."""

    point: str
    moment: Moment
    passage: int
    seconds: float = 0.0
    victim: Victim = Victim.FIRST


class StoreTrouble(NamedTuple):
    """An object store of which a share of the calls fails, and a share takes long first; for so many `seconds`."""

    seed: int
    failing: float = 0.0
    stalling: float = 0.0
    stall_seconds: float = 2.0
    seconds: float = inf


class Second(NamedTuple):
    """Files in which the second process of a life shows how often it passed each point, and that it was killed."""

    passages: Path
    killed: Path


class Passages:
    """Counts how often each point is passed, and kills the process where `kill` says so.

    A process that is forked after this was made counts on its own, and writes down what it counts.
    """

    def __init__(self, kill: Kill | None = None, second: Second | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self._kill = kill
        self._lock = threading.Lock()
        self._first, self._second = os.getpid(), second

    def before(self, point: str) -> int:
        """Count a passage; its number."""
        with self._lock:
            self.counts[point] += 1
            passage = self.counts[point]
            if self._second is not None and not self._is_first():
                self._second.passages.write_text(json.dumps(self.counts))
        if self._is_fatal(point, passage, Moment.BEFORE):
            self._die()
        if self._is_fatal(point, passage, Moment.WITHIN):
            threading.Thread(target=self._die_soon, daemon=True).start()
        return passage

    def after(self, point: str, passage: int) -> None:
        """Note that the effect was made."""
        if self._is_fatal(point, passage, Moment.AFTER):
            self._die()

    def _is_fatal(self, point: str, passage: int, moment: Moment) -> bool:
        kill = self._kill
        if kill is None or (point, moment, passage) != (kill.point, kill.moment, kill.passage):
            return False
        return kill.victim is Victim.BOTH or (kill.victim is Victim.FIRST) == self._is_first()

    def _is_first(self) -> bool:
        return os.getpid() == self._first

    def _die_soon(self) -> None:
        assert self._kill is not None
        time.sleep(self._kill.seconds)
        self._die()

    def _die(self) -> None:
        assert self._kill is not None
        if self._kill.victim is Victim.BOTH:
            for other in self._others():
                os.kill(other, signal.SIGKILL)
        elif self._second is not None and not self._is_first():
            self._second.killed.touch()
        os.kill(os.getpid(), signal.SIGKILL)

    def _others(self) -> list[int]:
        children = [child.pid for child in multiprocessing.active_children() if child.pid is not None]
        return children if self._is_first() else [self._first]


def install(kill: Kill | None, trouble: StoreTrouble | None = None, second: Second | None = None) -> Passages:
    """Arrange the faults of this process, and of one that it forks; the count of its passages."""
    passages = Passages(kill, second)
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
