"""A worker: the process that works a queue off, as the database sees it.

Belongs here: its number, its sign of life, and how it starts and stops. Does not: the loop (`drain`).

    with Worker(database, queue) as worker:
        signal.signal(signal.SIGTERM, lambda *_: worker.stop())
        drained = await worker.drain(handle, idle_seconds=30)
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from math import inf
from threading import Event
from typing import TYPE_CHECKING

from orchestration.errors import TransientError
from orchestration.work_queue.bell import Bell
from orchestration.work_queue.drain import Drain, Drained, Limits
from orchestration.work_queue.lifeline import Lifeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from orchestration.storage.database import Database
    from orchestration.work_queue.drain import Handler, Report
    from orchestration.work_queue.queue import TaskQueue


class Worker:
    """Works `queue` off between entering and leaving; what it still holds on leaving goes back, uncounted.

    `number` is its own in the whole database. The drain's database calls run in `threads`, so that they do not queue
    behind a handler's. `clock` gives seconds that never go back.
    """

    number: int
    threads: ThreadPoolExecutor

    def __init__(self, database: Database, queue: TaskQueue, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.database = database
        self.queue = queue
        self.clock = clock
        self.bell = Bell()
        self._stop = Event()

    def __enter__(self) -> Self:
        """Show the database that this worker lives; raises `TransientError` when it does not answer."""
        with self.database.begin() as connection:
            self.number = self.queue.next_worker(connection)
        self._lifeline = Lifeline(self.database, self.queue, self.number, self.bell.ring)
        self._lifeline.open()
        self.threads = ThreadPoolExecutor(thread_name_prefix=f"worker {self.number}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.threads.shutdown(cancel_futures=True)  # a claim that a cancelled drain is still making goes back as well
        try:
            # While the lock is still held, or the tasks would count as lost. With no database they do.
            with suppress(TransientError), self.database.begin() as connection:
                self.queue.release_all(connection, self.number)
        finally:
            self._lifeline.close()

    @property
    def seen(self) -> bool:
        """Whether the others see that this worker lives; if not, it would be the first to take itself for dead."""
        return self._lifeline.held

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Let the drain end after the batch in hand; for signal handlers and other threads."""
        self._stop.set()
        self.bell.ring()

    async def drain(
        self,
        handle: Handler,
        *,
        until: Callable[[], bool] | None = None,
        on_settled: Report | None = None,
        idle_seconds: float = 30.0,
        max_seconds: float = inf,
        concurrency: int = 1,
        prefetch: int = 1,
    ) -> Drained:
        """Have `handle` settle batch after batch, until there is nothing to do for `idle_seconds`.

        Ends sooner after `max_seconds`, on `stop`, or when `until`, asked in a thread whenever nothing can be claimed
        and nothing is in hand, says so. Up to `concurrency` batches are handled at a time, and `prefetch` more are
        held ready (0 suits a queue whose batches take long); on an early end those are given back. A worker has one
        drain at a time.

        `handle` settles each task of its `Claim` in the transaction that writes the results. When it raises, every
        task that is still held has failed with that error; but a failure of the database is not the tasks' fault, so
        then they are given back uncounted, and the drain waits until the database answers. `on_settled` is told, in a
        thread, after each batch what became of its tasks, and what became of those of workers that died. Whatever
        `until` or `on_settled` raises ends the drain.
        """
        limits = Limits(idle_seconds, max_seconds, concurrency, prefetch)
        return await Drain(self, handle, limits, until=until, on_settled=on_settled).run()
