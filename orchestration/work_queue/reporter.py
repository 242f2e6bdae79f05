"""What a drain reports: its counts, the results to its caller, and the failures to the domain.

It keeps the first error of those who are reported to, so that none passes in silence. Keep out: deciding what failed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

from orchestration.storage.database import is_database_error, transient_errors
from orchestration.work_queue.model import TaskState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import sqlalchemy as sa

    from orchestration.work_queue.claim import Claim, TaskHandler
    from orchestration.work_queue.logs import WorkerLog
    from orchestration.work_queue.model import Settled


class Reporter:
    """Reports for one drain. `left` are the keys that its caller waits for; those that are settled are removed.

    `error` is the first that nobody could be blamed for: the drain raises it at its end. `is_broken` when the caller
    took no results, so that going on would lose more of them.
    """

    def __init__(
        self,
        handler: TaskHandler[Any],
        on_batch: Callable[[Sequence[Any]], None],
        left: set[str],
        log: WorkerLog,
    ) -> None:
        self.counts: Counter[TaskState] = Counter()
        self.left = left
        self.error: Exception | None = None
        self.is_broken = False
        self._handler = handler
        self._on_batch = on_batch
        self._log = log
        self._calling = asyncio.Lock()

    async def finish(self, claim: Claim[Any]) -> None:
        """Hand over the rest of a claim, with the failures that its handler settled and did not report."""
        unreported = [self._handler.failure(one) for one in claim.unreported_failures()]
        await self._hand_over(claim.take_settled(), [*claim.take_results(), *unreported])

    async def pass_on(self, claim: Claim[Any]) -> None:
        """Hand over what a claim has done so far."""
        await self._hand_over(claim.take_settled(), claim.take_results())

    async def hand_over_failures(self, failures: Sequence[Settled]) -> None:
        """Hand over what failed outside of a handler."""
        await self._hand_over(failures, [self._handler.failure(one) for one in failures])

    def record_failures(self, connection: sa.Connection, failures: Sequence[Settled]) -> None:
        """Let the handler record them; an error in that ends the drain later, but not the settling.

        Raises `TransientError` when the database is away or keeps a row locked.
        """
        if not failures:
            return
        try:
            with transient_errors(), connection.begin_nested():
                self._handler.record_failures(connection, failures)
        except Exception as error:
            if is_database_error(error):
                raise
            self._log.not_recorded(failures, error)
            self.keep(error)

    def keep(self, error: Exception) -> None:
        """Have the drain raise this error at its end, unless there was one before."""
        self.error = self.error or error

    async def _hand_over(self, settled: Sequence[Settled], results: Sequence[Any]) -> None:
        self.counts.update(one.state for one in settled)
        self.left.difference_update(one.task.key for one in settled if one.state is not TaskState.WAITING)
        self._log.settled(settled)
        if results:
            async with self._calling:
                await asyncio.to_thread(self._call, results)

    def _call(self, results: Sequence[Any]) -> None:
        try:
            self._on_batch(results)
        except Exception as error:  # noqa: BLE001 - the handler that is running is not at fault; the drain raises it
            self.is_broken = True
            self.keep(error)
