"""Running a claim: its handler, and what happens to the tasks that the handler did not settle.

An error fails only the task that causes it: the unsettled tasks are handled again in halves, down to single ones, in
the same lease and before an attempt is charged. What is no task's fault charges nobody. Keep out: fetching claims and
their places (`worker`), and the results (`reporter`).
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from orchestration.errors import LockTimeoutError
from orchestration.work_queue.claim import halves
from orchestration.work_queue.logs import log_unexpected
from orchestration.work_queue.model import Outcome, Settled, StaleClaimError, Task, UnsettledTaskError
from orchestration.work_queue.unexpected import is_interruption, unexpected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.storage.database import Database
    from orchestration.work_queue.claim import Claim, TaskHandler
    from orchestration.work_queue.database_calls import DatabaseCalls
    from orchestration.work_queue.queue import TaskQueue
    from orchestration.work_queue.reporter import Reporter

# How long a claim waits after the database failed it, so that a statement that always fails does not spin.
PAUSE_SECONDS = 1.0
# After how long a task is claimed again that ran into a stranger's lock.
PUT_BACK_SECONDS = 1.0


class ClaimRunner:
    """Runs the claims that the worker of that number holds, each until all its tasks are settled or given back.

    `locked` are tasks that could not be given back yet, since a stranger has locked their rows.
    """

    def __init__(
        self,
        database: Database,
        queue: TaskQueue,
        worker: int,
        handler: TaskHandler[Any],
        *,
        reporter: Reporter,
        calls: DatabaseCalls,
    ) -> None:
        self.locked: dict[int, Task] = {}
        self._database = database
        self._queue = queue
        self._worker = worker
        self._handler = handler
        self._reporter = reporter
        self._calls = calls

    async def run(self, claim: Claim[Any]) -> None:
        """Have the claim handled, and see to what stays unsettled."""
        error = await self._attempt(claim)
        left = [] if error is None else await self._still_held(claim)
        await self._reporter.finish(claim)
        if error is None:
            return
        if isinstance(error, StaleClaimError) and len(left) < len(claim.unsettled):
            self._calls.log.interrupted(claim.tasks, error)
            await self._run_parts(claim, [left])
        elif is_interruption(error) and not isinstance(error, StaleClaimError):
            self._calls.log.interrupted(claim.tasks, error)
            await self._put_back(claim, left, error)
        else:
            await self._isolate(claim, left, error)

    async def release(self, tasks: Sequence[Task], delay: float = 0.0) -> None:
        """Give the tasks back, to be claimed again in `delay` seconds; the attempt does not count."""

        def release() -> list[Task]:
            with self._database.begin() as connection:
                released = self._queue.release(connection, self._worker, tasks, delay=delay)
                held, _ = self._queue.held(connection, [task for task in tasks if task.id not in released])
                return held

        if tasks:
            locked = await self._calls.call(release) or []
            self.locked |= {task.id: task for task in locked}

    async def release_locked(self) -> None:
        """Try again to give back what was locked."""
        locked, self.locked = self.locked, {}
        await self.release(list(locked.values()))

    async def _attempt(self, claim: Claim[Any]) -> Exception | None:
        """Have the claim handled; returns what kept it from being settled."""
        try:
            await self._handler.handle(claim)
        except asyncio.CancelledError:
            if (current := asyncio.current_task()) is not None and current.cancelling():
                raise
            return UnsettledTaskError("The handler was cancelled from within")
        except Exception as error:  # noqa: BLE001 - an error of any kind is isolated and becomes its task's outcome
            return error
        if not claim.unsettled:
            return None
        if claim.is_stopping:
            await self.release(claim.unsettled)
            return None
        await self.release(claim.passed_over, delay=PUT_BACK_SECONDS)
        if len(claim.passed_over) == len(claim.unsettled):
            return None
        return UnsettledTaskError("The handler returned without settling this task")

    async def _still_held(self, claim: Claim[Any]) -> list[Task]:
        """The tasks that are neither settled nor taken back; none when the database does not tell in time."""
        tasks = [task for task in claim.unsettled if task.id not in self.locked]

        def read() -> tuple[list[Task], list[Task]]:
            with self._database.begin() as connection:
                return self._queue.held(connection, tasks)

        found = await self._calls.call(read)
        if found is None:
            return []
        held, forgotten = found
        claim.confirm([*held, *forgotten])
        return held

    async def _put_back(self, claim: Claim[Any], left: Sequence[Task], error: Exception) -> None:
        """Give back what the database failed; of locked tasks, only these, and the others are handled again."""
        if not isinstance(error, LockTimeoutError):
            await asyncio.sleep(PAUSE_SECONDS)
            await self.release(left)
            return
        claim.linger()
        free = await self._calls.call(partial(claim.free, left)) or []
        if len(free) < len(left):
            await self.release([task for task in left if task not in free], delay=PUT_BACK_SECONDS)
            await self._run_parts(claim, [free])
        elif len(claim.tasks) > 1:
            await self._run_parts(claim, halves(left))
        else:
            await self.release(left, delay=PUT_BACK_SECONDS)

    async def _isolate(self, claim: Claim[Any], left: Sequence[Task], error: Exception) -> None:
        if not left:
            self._blame_nobody(claim, error)
        elif len(claim.tasks) == 1:
            await self._fail(claim, left[0], error)
        else:
            self._calls.log.isolating(left, error)
            await self._run_parts(claim, halves(left))

    async def _run_parts(self, claim: Claim[Any], parts: Sequence[Sequence[Task]]) -> None:
        """Handle parts of the claim again; what has not begun when the drain is asked to stop is given back."""
        for tasks in parts:
            if self._calls.is_over():
                await self.release(tasks)
            elif tasks:
                await self.run(claim.part(tasks))

    async def _fail(self, claim: Claim[Any], task: Task, error: Exception) -> None:
        """Settle the one task that an error is left with. Should a stranger have locked it, it is put back."""
        log_unexpected(task, error)
        outcome = Outcome(task, unexpected(task, error))

        def fail() -> list[Settled] | None:
            try:
                with claim.transaction() as connection:
                    settled = self._queue.settle_held(connection, [outcome])
                    self._reporter.record_failures(connection, settled)
            except LockTimeoutError:
                return None
            return settled

        settled = await self._calls.call(fail)
        if settled is None:
            await self.release([task], delay=PUT_BACK_SECONDS)
        else:
            await self._reporter.hand_over_failures(settled)

    def _blame_nobody(self, claim: Claim[Any], error: Exception) -> None:
        """Let the drain raise an error that came after everything was settled; or else the claim was lost."""
        if claim.unsettled:
            self._calls.log.interrupted(claim.tasks, error)
        else:
            self._calls.log.after_settling(claim.tasks, error)
            self._reporter.keep(error)
