"""The database calls of a worker: in threads of its own, tried again while the database is away.

Keep out: what is called.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from orchestration.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor

    from orchestration.work_queue.logs import WorkerLog

R = TypeVar("R")


class DatabaseCalls(NamedTuple):
    """Calls in `threads`, so that they do not queue behind a handler's, until the drain `is_over`."""

    threads: ThreadPoolExecutor
    is_over: Callable[[], bool]
    log: WorkerLog

    async def call(self, work: Callable[[], R]) -> R | None:
        """`work` in a thread, tried again after a `TransientError`; None when the drain is over first.

        What cannot be written then is found by the next worker that looks for dead ones.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(TransientError),
            wait=wait_random_exponential(multiplier=0.1, max=1.0),
            stop=lambda _: self.is_over(),
            before_sleep=self.log.retry,
            retry_error_callback=lambda _: None,
        )
        return await retrying(self._in_thread, work)

    async def _in_thread(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)
