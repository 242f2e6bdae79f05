"""A worker: the process that drains a queue, as the database sees it, with its loop.

It fetches claims, gives each a place, and ends. Keep out: signs of life (`presence`), SQL (`queue`), what happens to a
claim (`claim_runner`), what a task means (the handlers), and when a run ends (`drain`).

    with Worker(database, queue) as worker:
        signal.signal(signal.SIGTERM, lambda *_: worker.stop())
        drained = await worker.drain(handler, options=DrainOptions(idle_seconds=30))

A worker holds `concurrency + prefetch` claims, and has `concurrency` of them handled at a time, so that while one is
handled the next is already here. A claim that waits for slow tasks may linger: it gives up its place, and the worker
goes on with the next. Database calls run in threads, so downloads in the same event loop go on meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from functools import partial
from math import inf
from threading import Event
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import sqlalchemy as sa

from orchestration.errors import LockTimeoutError, TransientError
from orchestration.storage.database import transient_errors
from orchestration.work_queue.claim import Claim
from orchestration.work_queue.claim_runner import PUT_BACK_SECONDS, ClaimRunner
from orchestration.work_queue.database_calls import DatabaseCalls
from orchestration.work_queue.logs import WorkerLog
from orchestration.work_queue.model import Settled, Task, TaskState
from orchestration.work_queue.options import DrainOptions, DrainResult, StopReason
from orchestration.work_queue.presence import WorkerPresence
from orchestration.work_queue.reporter import Reporter
from orchestration.work_queue.wakeup import Wakeup

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from types import TracebackType
    from typing import Self

    from orchestration.storage.database import Database
    from orchestration.work_queue.claim import TaskHandler
    from orchestration.work_queue.queue import TaskQueue

T = TypeVar("T")

# How often a busy worker looks for workers that died.
REAP_SECONDS = 1.0
# After so many empty polls the wait has reached its longest, and the power would overflow in the end.
MOST_EMPTY_POLLS = 50
# Claims that linger at the same time; more of them keep their place.
MOST_LINGERING = 8
# Claims larger than the policy's batch that a worker holds at a time: one is handled while the next is fetched.
GROWN_CLAIMS = 2
# How soon a worker that holds them looks again for what is urgent when it has found nothing, however much is announced.
URGENT_LOOK_SECONDS = 0.01

# The commit comes back before it is on disk; the next that is durable takes it there.
_NEED_NOT_LAST = sa.text("SET LOCAL synchronous_commit = off")
_LIMIT_LOCKS = sa.text("SET LOCAL lock_timeout = '1s'")


class _Fetched(NamedTuple):
    """What a fetch found; `due` is how many seconds from now the next delayed task may run, when that `is_all`."""

    tasks: list[Task]
    lost: list[Settled]
    due: float | None
    is_all: bool = True


class Worker:
    """Drains `queue` between entering and leaving; on leaving, the tasks it still holds go back, uncounted.

    `number` is its own in the whole database. Its database calls run in `threads`, so that they do not queue behind a
    handler's. `clock` gives seconds that never go back; `run` is the id of the run that it belongs to.
    """

    number: int
    threads: ThreadPoolExecutor

    def __init__(
        self,
        database: Database,
        queue: TaskQueue,
        *,
        clock: Callable[[], float] = time.monotonic,
        run: str | None = None,
    ) -> None:
        self.database = database
        self.queue = queue
        self.clock = clock
        self.run = run
        self.wakeup = Wakeup()
        self._cancellation = Wakeup()
        self._stop = Event()
        self._claims: set[Claim[Any]] = set()
        self._is_claim_unconfirmed = False

    def __enter__(self) -> Self:
        """Show the database that this worker lives; raises `TransientError` when it does not answer."""
        with self.database.begin() as connection:
            self.number = self.queue.register_worker(connection, run_id=self.run)
        self._presence = WorkerPresence(self.database, self.queue, self.number, self.wakeup.set, self._cancellation.set)
        self._presence.open()
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
                self.queue.sign_off(connection, self.number)
        finally:
            self._presence.close()

    @property
    def is_registered(self) -> bool:
        """Whether the others see that this worker lives; if not, it would be the first to take itself for dead."""
        return self._presence.held

    @property
    def is_stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Let the drain end after the claims it handles; for signal handlers and other threads."""
        self._stop.set()
        self.wakeup.set()

    def log_progress(self) -> None:
        """Log how much the present drain has done so far; for a line a minute."""
        self._log.event("drain goes on", **{str(state): count for state, count in self._reporter.counts.items()})

    async def drain(
        self,
        handler: TaskHandler[T],
        on_batch: Callable[[Sequence[T]], None] = lambda _: None,
        *,
        options: DrainOptions = DrainOptions(),  # noqa: B008 - it is frozen
        until: Callable[[], bool] | None = None,
        left: set[str] | None = None,
    ) -> DrainResult:
        """Have `handler` settle claim after claim, until `options` or `until` end it.

        `until` is asked in a thread whenever nothing can be claimed and no claim is held. `on_batch` is called in a
        thread, one call at a time, with the results of settled tasks: those that the handler reported, and one for
        each task that failed otherwise. What `until` or `on_batch` raise ends the drain, and is raised. Keys that are
        settled for good are removed from `left`; when none of them is left, the drain ends. A worker has one drain at a
        time.

        When the handler raises, its unsettled tasks are handled again in halves, down to single ones, before an
        attempt is charged, so that only the guilty task fails. A failure of the database is no task's fault: the tasks
        are given back uncounted, and the drain waits until the database answers.
        """
        self._begin(handler, on_batch, options, until, left)
        self._log.event("drain started", run=self.run)
        with self.wakeup.attached(), self._cancellation.attached():
            cancelling = asyncio.create_task(self._cancel_loop())
            try:
                async with asyncio.TaskGroup() as group:
                    await self._fetch_loop(group)
            except ExceptionGroup as errors:
                first = errors.exceptions[0]  # the first one to fail has had the others cancelled
                raise first from first.__cause__
            finally:
                cancelling.cancel()
        if self._reporter.error is not None:
            raise self._reporter.error
        counts, reason = self._reporter.counts, self._reason or StopReason.IDLE
        result = DrainResult(counts[TaskState.COMPLETED], counts[TaskState.WAITING], counts[TaskState.DEAD], reason)
        self._log.event("drain ended", **asdict(result))
        return result

    def _begin(
        self,
        handler: TaskHandler[T],
        on_batch: Callable[[Sequence[T]], None],
        options: DrainOptions,
        until: Callable[[], bool] | None,
        left: set[str] | None,
    ) -> None:
        self._options = options
        self._until = until
        self._is_awaited = bool(left)
        self._log = WorkerLog(self.queue.name, self.number)
        self._reporter = Reporter(handler, on_batch, set() if left is None else left, self._log)
        self._calls = DatabaseCalls(self.threads, self._is_over, self._log)
        self._runner = ClaimRunner(
            self.database, self.queue, self.number, handler, reporter=self._reporter, calls=self._calls
        )
        self._deadline = self.clock() + options.max_seconds
        self._last_work = self._next_reap = self.clock()
        self._reason: StopReason | None = None
        self._claims_ended = self._empty_polls = 0
        self._batch = self.queue.policy.batch
        self._has_found_all = False
        self._due: float | None = None
        self._lingering: set[Claim[Any]] = set()
        self._places = asyncio.Semaphore(options.concurrency + options.prefetch)
        self._slots = asyncio.Semaphore(options.concurrency)

    async def _fetch_loop(self, group: asyncio.TaskGroup) -> None:
        while True:
            await self._places.acquire()
            claim = await self._next_claim()
            if claim is None:
                return
            group.create_task(self._run(claim))

    async def _cancel_loop(self) -> None:
        """Interrupt the tasks that are to be cancelled, whenever somebody asks for it."""
        while True:
            await self._cancellation.wait(inf)
            self._cancellation.clear()
            task_ids = await self._calls.call(self._cancel_requested) or set()
            for claim in list(self._claims):
                claim.cancel(task_ids)

    def _cancel_requested(self) -> set[int]:
        with self.database.connect() as connection:
            return self.queue.cancel_requested(connection, self.number)

    async def _next_claim(self) -> Claim[Any] | None:
        """The next claim, as soon as there is one; None when the drain is over."""
        while not self._is_over():
            if self._has_found_all:  # what is enqueued after that is announced
                self._has_found_all = False
                await self._wait(self._due)
                self._empty_polls = 0  # it is busy, and so looks for dead workers before it claims
                continue
            if self._holds_enough():
                await self.wakeup.wait(REAP_SECONDS)
                if self._is_over():
                    break
            self.wakeup.clear()
            ended, is_urgent = self._claims_ended, self._holds_enough()
            await self._runner.release_locked()
            fetched = await self._calls.call(partial(self._fetch, is_urgent=is_urgent)) or _Fetched([], [], None)
            await self._reporter.hand_over_failures(fetched.lost)
            if fetched.tasks:
                self._empty_polls = 0
                self._has_found_all, self._due = fetched.is_all, fetched.due
                return self._claim(fetched.tasks)
            if is_urgent:
                await asyncio.sleep(URGENT_LOOK_SECONDS)
            elif ended == self._claims_ended:  # or else what was found is no longer so
                await self._wait(fetched.due)
        return None

    def _holds_enough(self) -> bool:
        """Whether the worker leaves to others what is not urgent, which therefore does not wait for what it holds."""
        return self._batch > self.queue.policy.batch and len(self._claims - self._lingering) >= GROWN_CLAIMS

    def _claim(self, tasks: Sequence[Task]) -> Claim[Any]:
        pass_on = self._reporter.pass_on
        claim: Claim[Any] = Claim(
            self.database, self.queue, tasks, linger=self._linger, pass_on=pass_on, is_stopping=self._is_over
        )
        self._claims.add(claim)
        return claim

    def _is_over(self) -> bool:
        if self._reason is None:
            self._reason = self._reason_to_end()
        return self._reason is not None

    def _reason_to_end(self) -> StopReason | None:
        if self._is_awaited and not self._reporter.left:
            return StopReason.DONE
        if self.is_stopping or self._reporter.is_broken:
            return StopReason.STOPPED
        return StopReason.TIME if self.clock() >= self._deadline else None

    def _fetch(self, *, is_urgent: bool) -> _Fetched:
        with self.database.begin() as connection:
            if self._is_claim_unconfirmed:  # the commit of the last claim got no answer: it may have been made
                held = [task for claim in list(self._claims) for task in claim.tasks]
                self.queue.release_all(connection, self.number, but=held)
            self._is_claim_unconfirmed = True
            # What comes to a worker that had nothing to do does not wait for its search for dead ones.
            was_idle = self._empty_polls > 0
            lost = [] if was_idle else self._reap(connection)
            tasks = self._claim_tasks(connection, is_urgent=is_urgent)
            if was_idle and not tasks and (lost := self._reap(connection)):
                tasks = self._claim_tasks(connection, is_urgent=is_urgent)
            is_all = not is_urgent and len(tasks) < self._batch
            due = self.queue.next_due(connection) if is_all else None
            if not (lost or self.queue.policy.durable_claims):
                connection.execute(_NEED_NOT_LAST)
        self._is_claim_unconfirmed = False
        if not is_urgent:
            self._batch = self.queue.policy.next_batch(self._batch, len(tasks))
        return _Fetched(tasks, lost, due, is_all)

    def _claim_tasks(self, connection: sa.Connection, *, is_urgent: bool) -> list[Task]:
        limit = self.queue.policy.batch if is_urgent else self._batch
        is_lingering = self._is_lingering()
        return self.queue.claim(connection, self.number, limit, is_lingering=is_lingering, is_urgent=is_urgent)

    def _reap(self, connection: sa.Connection) -> list[Settled]:
        """Take back lost tasks, now and then; those whose recording meets a stranger's lock stay for the next time."""
        if not self.is_registered or self.clock() < self._next_reap:
            return []
        self._next_reap = self.clock() + REAP_SECONDS
        try:
            with transient_errors(), connection.begin_nested():
                connection.execute(_LIMIT_LOCKS)
                lost = self.queue.reap(connection)
                self._reporter.record_failures(connection, lost)
        except LockTimeoutError:
            return []
        return lost

    async def _wait(self, due: float | None) -> None:
        """Wait until there may be something to claim, or the drain is found to be over."""
        now = self.clock()
        poll = self.queue.policy.poll(self._empty_polls)
        self._empty_polls = min(self._empty_polls + 1, MOST_EMPTY_POLLS)
        seconds = min(poll, self._deadline - now, inf if due is None else due)
        if self._runner.locked:
            seconds = min(seconds, PUT_BACK_SECONDS)
        if not self._claims:
            if self._until is not None and await self._calls.call(self._until):
                self._reason = StopReason.DONE
                return
            longest = inf if self._options.idle_seconds is None else self._options.idle_seconds
            idle = self._last_work + longest - now
            if idle <= 0:
                self._reason = StopReason.IDLE
                return
            seconds = min(seconds, idle)
        await self.wakeup.wait(seconds)

    async def _run(self, claim: Claim[Any]) -> None:
        async with self._slot(claim):
            await (self._runner.release(claim.tasks) if self._is_over() else self._runner.run(claim))
        self._claims.discard(claim)
        self._claims_ended += 1
        self._last_work = self.clock()
        self.wakeup.set()

    @asynccontextmanager
    async def _slot(self, claim: Claim[Any]) -> AsyncIterator[None]:
        """A slot for the claim, given back with its place at the end, or before that when the claim lingers."""
        await self._slots.acquire()
        try:
            yield
        finally:
            if claim in self._lingering:
                self._lingering.discard(claim)
            else:
                self._give_place()

    def _linger(self, claim: Claim[Any]) -> None:
        if claim not in self._lingering and len(self._lingering) < MOST_LINGERING:
            self._lingering.add(claim)
            self._give_place()

    def _is_lingering(self) -> bool:
        """Whether every claim that it holds waits for something slow."""
        return self._lingering.issuperset(list(self._claims))

    def _give_place(self) -> None:
        self._slots.release()
        self._places.release()
