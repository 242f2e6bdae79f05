"""Working a queue off: look, hand over, wait, end.

Belongs here: the loop of one drain. Does not: signs of life (`lifeline`), SQL (`queue`), what a task means.

A drain has a few lanes. Each claims a batch, waits for its turn, has it handled, and claims the next. There are more
lanes than turns, so that while one batch is handled the next is already here, and never more than one for each lane.
Database calls run in threads, so downloads in the same event loop go on meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import psycopg
import sqlalchemy as sa
import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from orchestration.errors import TransientError
from orchestration.work_queue.claim import Claim
from orchestration.work_queue.model import Settled, StaleClaimError, Task, TaskState, UnsettledTaskError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from orchestration.work_queue.worker import Worker

    Handler = Callable[[Claim], Awaitable[None]]
    Report = Callable[[Sequence[Settled]], None]

T = TypeVar("T")

# How often a busy drain looks for workers that died.
REAP_SECONDS = 1.0
# Beyond so many looks in vain, waiting longer changes nothing, and the power would overflow in the end.
MOST_IN_VAIN = 50
# How long a batch waits after the database failed it, so that a statement that always fails does not spin.
PAUSE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Ending(StrEnum):
    """Why a drain ended."""

    IDLE = "idle"
    DONE = "done"
    TIME = "time is up"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Drained:
    """What a drain did, in outcomes (a retried task counts once for each attempt), and why it ended."""

    completed: int
    retried: int
    dead: int
    ending: Ending


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a drain lives, in seconds; how many batches it handles at a time, and holds ready beside them."""

    idle_seconds: float = 30.0
    max_seconds: float = inf
    concurrency: int = 1
    prefetch: int = 1


class _Found(NamedTuple):
    """What a look at the queue found; `due` is how many seconds from now the next delayed task may run."""

    tasks: list[Task]
    lost: list[Settled]
    due: float | None


class Drain:
    """One run of `Worker.drain`."""

    def __init__(
        self,
        worker: Worker,
        handle: Handler,
        limits: Limits,
        *,
        until: Callable[[], bool] | None,
        on_settled: Report | None,
    ) -> None:
        self._worker = worker
        self._handle = handle
        self._limits = limits
        self._until = until
        self._on_settled = on_settled
        self._deadline = self._worker.clock() + limits.max_seconds
        self._last_work = self._next_reap = self._worker.clock()
        self._ending: Ending | None = None
        self._tally: Counter[TaskState] = Counter()
        self._claims: set[Claim] = set()
        self._batches_ended = 0
        self._in_vain = 0
        self._unconfirmed = False
        self._looking = asyncio.Lock()
        self._reporting = asyncio.Lock()
        self._turn = asyncio.Semaphore(limits.concurrency)

    async def run(self) -> Drained:
        """Drain until idle, done, out of time or stopped."""
        with self._worker.bell.attached():
            try:
                async with asyncio.TaskGroup() as lanes:
                    for _ in range(self._limits.concurrency + self._limits.prefetch):
                        lanes.create_task(self._lane())
            except ExceptionGroup as group:
                raise group.exceptions[0] from None  # the first lane to fail has had the others cancelled
        tally = self._tally
        ending = self._ending or Ending.IDLE
        return Drained(tally[TaskState.COMPLETED], tally[TaskState.WAITING], tally[TaskState.DEAD], ending)

    async def _lane(self) -> None:
        while (claim := await self._next_claim()) is not None:
            async with self._turn:
                await (self._release(claim) if self._over() else self._work(claim))
            self._claims.discard(claim)
            self._batches_ended += 1
            self._last_work = self._worker.clock()
            self._worker.bell.ring()

    def _over(self) -> bool:
        if self._ending is None and self._worker.stopping:
            self._ending = Ending.STOPPED
        if self._ending is None and self._worker.clock() >= self._deadline:
            self._ending = Ending.TIME
        return self._ending is not None

    async def _next_claim(self) -> Claim | None:
        """The next batch, as soon as there is one; None when the drain is over."""
        async with self._looking:
            while not self._over():
                self._worker.bell.silence()
                ended = self._batches_ended
                found = await self._patiently(self._look) or _Found([], [], None)
                await self._report(found.lost)
                if found.tasks:
                    self._in_vain = 0
                    claim = Claim(self._worker.queue, self._worker.number, found.tasks)
                    self._claims.add(claim)
                    return claim
                if ended == self._batches_ended:  # or else what was found is no longer so
                    await self._wait(found.due)
        return None

    def _look(self) -> _Found:
        queue, number, clock = self._worker.queue, self._worker.number, self._worker.clock
        with self._worker.database.begin() as connection:
            if self._unconfirmed:  # the commit of the last claim got no answer: it may have been made
                queue.release_all(
                    connection, number, but=[task for claim in list(self._claims) for task in claim.tasks]
                )
            self._unconfirmed = True
            lost = queue.reap(connection) if self._worker.seen and clock() >= self._next_reap else []
            tasks = queue.claim(connection, number)
            due = None if tasks else queue.next_due(connection)
        self._unconfirmed = False
        if clock() >= self._next_reap:
            self._next_reap = clock() + REAP_SECONDS
        return _Found(tasks, lost, due)

    async def _wait(self, due: float | None) -> None:
        """Until there may be something to claim, or the drain is found to be over."""
        now = self._worker.clock()
        poll = self._worker.queue.policy.poll(self._in_vain)
        self._in_vain = min(self._in_vain + 1, MOST_IN_VAIN)
        patience = min(poll, self._deadline - now, inf if due is None else due)
        if not self._claims:
            if self._until is not None and await self._patiently(self._until):
                self._ending = Ending.DONE
                return
            idle = self._last_work + self._limits.idle_seconds - now
            if idle <= 0:
                self._ending = Ending.IDLE
                return
            patience = min(patience, idle)
        await self._worker.bell.wait(patience)

    async def _work(self, claim: Claim) -> None:
        try:
            await self._handle(claim)
        except asyncio.CancelledError:
            if (lane := asyncio.current_task()) is not None and lane.cancelling():
                raise
            await self._fail(claim, UnsettledTaskError("The handler was cancelled from within"))
        except StaleClaimError as error:
            log.warning("claim_lost", queue=self._worker.queue.name, error=str(error))
            await self._release(claim)
        except Exception as error:  # noqa: BLE001  # whatever a handler raises is how its tasks ended
            if _is_of_database(error):
                log.warning("batch_interrupted", queue=self._worker.queue.name, error=str(error))
                await asyncio.sleep(PAUSE_SECONDS)
                await self._release(claim)
            else:
                await self._fail(claim, error)
        else:
            if claim.unsettled:
                await self._fail(claim, UnsettledTaskError("The handler returned without settling this task"))
        await self._report(claim.settled)

    async def _release(self, claim: Claim) -> None:
        await self._patiently(lambda: self._transact(claim.release))

    async def _fail(self, claim: Claim, error: Exception) -> None:
        await self._patiently(lambda: self._transact(lambda connection: claim.fail(connection, error)))

    def _transact(self, work: Callable[[sa.Connection], None]) -> None:
        with self._worker.database.begin() as connection:
            work(connection)

    async def _patiently(self, work: Callable[[], T]) -> T | None:
        """`work` in a thread, again and again while the database is away; None when the drain is over first.

        What cannot be told to the database then is found by whoever looks for dead workers next.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(TransientError),
            wait=wait_random_exponential(multiplier=0.1, max=1.0),
            stop=lambda _: self._over(),
            before_sleep=self._log_retry,
            retry_error_callback=lambda _: None,
        )
        return await retrying(self._in_thread, work)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker.threads, work)

    def _log_retry(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.warning("database_away", queue=self._worker.queue.name, attempt=state.attempt_number, error=str(error))

    async def _report(self, settled: Sequence[Settled]) -> None:
        if not settled:
            return
        self._tally.update(one.state for one in settled)
        for one in settled:
            if one.error is not None:
                self._log_failure(one)
        if self._on_settled is not None:
            async with self._reporting:
                await asyncio.to_thread(self._on_settled, settled)

    def _log_failure(self, settled: Settled) -> None:
        log.warning(
            "task_dead" if settled.state is TaskState.DEAD else "task_retried",
            queue=self._worker.queue.name,
            key=settled.task.key,
            attempt=settled.task.attempt,
            error=f"{type(settled.error).__name__}: {settled.error}",
        )


def _is_of_database(error: Exception) -> bool:
    """Whether it was the database that failed, rather than the tasks."""
    return isinstance(error, psycopg.OperationalError) or (
        isinstance(error, TransientError) and isinstance(error.__cause__, sa.exc.DBAPIError)
    )
