"""One run over one queue: a worker from its start to the end that its caller asked for.

Belongs here: when such a run ends, what it tells meanwhile, and the forgetting of old tasks after it. Does not: the
loop (`drain`), the handlers, which each domain has.

Handlers tell their results after the commit; they are passed on when the drain reports the batch as settled, one batch
at a time, so that an error in a report ends the drain and is seen. `Results` carries them from the one to the other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager, suppress
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from orchestration.observability.logs import get_logger
from orchestration.work_queue.worker import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from orchestration.storage.database import Database
    from orchestration.work_queue.drain import Drained, Handler, Report
    from orchestration.work_queue.queue import TaskQueue
    from orchestration.work_queue.stopping import StopSignal

T = TypeVar("T")

log = get_logger()

# A retry that is due sooner than this is waited for by a run that is to leave nothing behind.
PATIENCE_SECONDS = 120.0


class DrainEnd(NamedTuple):
    """When a drain ends. Without `idle_seconds`, as soon as nothing is queued but retries that are far off."""

    stop: StopSignal
    idle_seconds: float | None = None
    max_seconds: float = 3_300.0


class Heartbeat(NamedTuple):
    """What a run that lasts tells every so many seconds, from a thread of its own, whether or not there is work."""

    tell: Callable[[], None]
    seconds: float


class Results(Generic[T]):
    """What handlers have committed and nobody has reported yet."""

    def __init__(self) -> None:
        self._waiting: deque[T] = deque()

    def add(self, results: Iterable[T]) -> None:
        """Add the results of a batch; from any thread."""
        self._waiting.extend(results)

    def take(self) -> list[T]:
        """Everything so far, once."""
        return [self._waiting.popleft() for _ in range(len(self._waiting))]


class QueueRun(NamedTuple):
    """One drain of one queue. Up to `concurrency` batches are handled at a time, `prefetch` more are held ready."""

    database: Database
    queue: TaskQueue
    end: DrainEnd
    concurrency: int = 1
    prefetch: int = 1
    heartbeat: Heartbeat | None = None

    async def drain(
        self, handle: Handler, on_settled: Report | None = None, until: Callable[[], bool] | None = None
    ) -> Drained:
        """Drain until `until` says so, or else as the end has it; then forget tasks that ended long ago."""
        if until is None and self.end.idle_seconds is None:
            until = partial(_is_empty, self.database, self.queue)
        with Worker(self.database, self.queue) as worker:
            self.end.stop.call(worker.stop)
            async with _beating(self.heartbeat):
                drained = await worker.drain(
                    handle,
                    until=until,
                    on_settled=on_settled,
                    idle_seconds=inf if until else self.end.idle_seconds or 0.0,
                    max_seconds=self.end.max_seconds,
                    concurrency=self.concurrency,
                    prefetch=self.prefetch,
                )
        with self.database.begin() as connection:
            self.queue.prune(connection)
        return drained


@asynccontextmanager
async def _beating(heartbeat: Heartbeat | None) -> AsyncIterator[None]:
    if heartbeat is None:
        yield
        return
    beating = asyncio.create_task(_beat(heartbeat))
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating


async def _beat(heartbeat: Heartbeat) -> None:
    while True:
        await asyncio.sleep(heartbeat.seconds)
        try:
            await asyncio.to_thread(heartbeat.tell)
        except Exception as error:  # noqa: BLE001 - whoever listens may be away; the work goes on, and the next beat tells
            log.warning("heartbeat not told", error=f"{type(error).__name__}: {error}")


def _is_empty(database: Database, queue: TaskQueue) -> bool:
    with database.connect() as connection:
        counts = queue.counts(connection)
    is_due_soon = counts.next_due_seconds is not None and counts.next_due_seconds < PATIENCE_SECONDS
    return not (counts.waiting or counts.active or is_due_soon)
