"""Settling a claim in rounds: what is done is written about every second, whatever else the claim still waits for.

It serves handlers whose tasks take long one by one: downloads, renderings, messages. Keep out: the tasks' meaning.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from orchestration.errors import LockTimeoutError
from orchestration.work_queue.claim import halves
from orchestration.work_queue.logs import log_unexpected
from orchestration.work_queue.model import TaskCancelledError, UnsettledTaskError
from orchestration.work_queue.unexpected import is_interruption, unexpected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Task

D = TypeVar("D")
T = TypeVar("T")

ROUND_SECONDS = 1.0
# How long unfinished attempts may go on once the drain is asked to stop. The others are given back uncounted.
STOP_SECONDS = 10.0


async def settle_in_rounds(
    claim: Claim[T],
    attempt: Callable[[Task], Awaitable[D]],
    write: Callable[[Sequence[D]], None],
    failed: Callable[[Task, Exception], D],
    *,
    tasks: Sequence[Task] | None = None,
) -> None:
    """Attempt every task of the claim, or of `tasks`, at the same time; `write` what is done about every second.

    `attempt` does what one task asks for and returns what is to be written. An error that it did not foresee becomes
    the task's own outcome by `failed`. `write` settles a round in one transaction; it runs in a thread. When it raises,
    the round is written in halves, so that a task that cannot be written fails alone, and no other is attempted again.

    An attempt at a task that is to be cancelled is cancelled at once, and becomes a `TaskCancelledError` by `failed`.

    After the first round the claim lingers, so that slow tasks do not hold up the queue. When the drain is asked to
    stop, attempts that do not end within `STOP_SECONDS` are cancelled, and stay unsettled. Raises what interrupted an
    attempt or a round: the database was away, a row stayed locked, or the claim was lost.
    """
    rounds = _Rounds(claim, attempt, write, failed)
    chosen = claim.tasks if tasks is None else tasks
    attempts = [asyncio.create_task(rounds.attempt_one(task)) for task in chosen]
    for task, one in zip(chosen, attempts, strict=True):
        claim.when_cancelled(task, one.cancel)
    pending = set(attempts)
    try:
        while pending and not rounds.is_late():
            done, pending = await asyncio.wait(pending, timeout=ROUND_SECONDS)
            await rounds.write_round([entry for one in attempts if one in done and (entry := one.result())])
            if pending:
                claim.linger()
    finally:
        for one in pending:
            one.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
    if rounds.interruption is not None and {task.id for task in chosen} & {task.id for task in claim.unsettled}:
        raise rounds.interruption


class _Done(NamedTuple):
    """A task and what is to be written of it."""

    task: Task
    result: Any


@dataclass
class _Rounds(Generic[D]):
    """The rounds of one claim. `locked` waits for a stranger's transaction; `interruption` is why tasks are left."""

    claim: Claim[Any]
    attempt: Callable[[Task], Awaitable[D]]
    write: Callable[[Sequence[D]], None]
    failed: Callable[[Task, Exception], D]
    locked: list[_Done] = field(default_factory=list)
    interruption: Exception | None = None
    stop_at: float | None = None

    def is_late(self) -> bool:
        """Whether the drain was asked to stop so long ago that nothing is waited for."""
        if not self.claim.is_stopping:
            return False
        now = asyncio.get_running_loop().time()
        self.stop_at = now + STOP_SECONDS if self.stop_at is None else self.stop_at
        return now >= self.stop_at

    async def attempt_one(self, task: Task) -> _Done | None:
        """What is to be written of the task; None when no task is to blame, and it stays unsettled."""
        try:
            return _Done(task, await self.attempt(task))
        except asyncio.CancelledError:
            if self.claim.is_cancelled(task):
                return _Done(task, self.failed(task, TaskCancelledError(f"{task.key} was cancelled on request")))
            if (current := asyncio.current_task()) is not None and current.cancelling():
                raise
            return self._failed(task, UnsettledTaskError("The attempt was cancelled from within"))
        except Exception as error:  # noqa: BLE001 - an error that nobody foresaw is the outcome of its own task
            if not is_interruption(error):
                return self._failed(task, error)
            self.interruption = error
            return None

    async def write_round(self, done: Sequence[_Done]) -> None:
        """Write what is done, and what was locked when it was written last."""
        waiting, self.locked = self.locked, []
        await self._write(done)
        await self._write_again(waiting)
        await self.claim.pass_on()

    async def _write(self, done: Sequence[_Done]) -> None:
        if not done:
            return
        try:
            await asyncio.to_thread(self.write, [one.result for one in done])
        except LockTimeoutError as error:
            self.interruption = error
            await self._write_around_locks(done)
        except Exception as error:
            if is_interruption(error) or not (left := self._left(done)):
                raise
            await self._isolate(left, error)

    async def _write_around_locks(self, done: Sequence[_Done]) -> None:
        """Write the tasks that nobody has locked; by halves, when it is a row of the domain that is locked."""
        free = await self._keep_locked(done)
        if len(free) < len(done):
            await self._write(free)
        elif len(done) == 1:
            self.locked += done
        else:
            for half in halves(done):
                await self._write(half)

    async def _write_again(self, waiting: Sequence[_Done]) -> None:
        """Write what was locked, one by one up to the first that still is: the next round tries the others first."""
        free = await self._keep_locked(waiting) if waiting else []
        for n, one in enumerate(free, start=1):
            await self._write([one])
            if one in self.locked:
                self.locked = [*free[n:], *self.locked]
                return

    async def _keep_locked(self, done: Sequence[_Done]) -> list[_Done]:
        """Keep those whose task is locked for later; returns the others."""
        free = {task.id for task in await asyncio.to_thread(self.claim.free, [one.task for one in done])}
        self.locked += [one for one in done if one.task.id not in free]
        return [one for one in done if one.task.id in free]

    async def _isolate(self, done: Sequence[_Done], error: Exception) -> None:
        if len(done) > 1:
            for half in halves(done):
                await self._write(half)
        else:
            await asyncio.to_thread(self.write, [self._failed(done[0].task, error).result])

    def _left(self, done: Sequence[_Done]) -> list[_Done]:
        unsettled = {task.id for task in self.claim.unsettled}
        return [one for one in done if one.task.id in unsettled]

    def _failed(self, task: Task, error: Exception) -> _Done:
        log_unexpected(task, error)
        return _Done(task, self.failed(task, unexpected(task, error)))
