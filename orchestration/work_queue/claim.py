"""A claim: the tasks that a worker holds, and the handler that settles them.

It holds what a handler may do with its tasks, and what every handler offers to the worker. Keep out: claiming, and the
worker's decisions about tasks that stay unsettled.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

from orchestration.errors import LockTimeoutError
from orchestration.storage.database import driver_connection
from orchestration.work_queue.model import TaskState
from orchestration.work_queue.queue import LOCK_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence

    import sqlalchemy as sa

    from orchestration.storage.database import Database
    from orchestration.work_queue.model import Outcome, Settled, Task
    from orchestration.work_queue.queue import TaskQueue

T = TypeVar("T")

# How long a claim that met a locked row waits for the next one. It may meet one for each of its tasks.
NEXT_LOCK_SECONDS = 0.1


class Claim(Generic[T]):
    """Tasks that a worker holds. A handler settles each of them once, in the transaction that writes its results.

    `T` is the type of the handler's results. `linger` frees the claim's place, see `Worker`; `pass_on` hands over what
    was reported so far; `is_stopping` tells whether the drain is about to end.
    """

    def __init__(
        self,
        database: Database,
        queue: TaskQueue,
        tasks: Sequence[Task],
        *,
        linger: Callable[[Claim[T]], None],
        pass_on: Callable[[Claim[T]], Awaitable[None]],
        is_stopping: Callable[[], bool],
    ) -> None:
        self.tasks = tuple(tasks)
        self._database = database
        self._linger = linger
        self._queue = queue
        self._pass_on = pass_on
        self._is_stopping = is_stopping
        self._lock_seconds = LOCK_SECONDS
        self._uncommitted: dict[sa.Connection, list[Settled]] = {}
        self._unconfirmed: dict[int, Settled] = {}
        self._settled: dict[int, Settled] = {}
        self._passed_over: set[int] = set()
        self._results: dict[int, T] = {}
        self._reported: set[int] = set()
        self._taken: set[int] = set()
        self._cancelled: set[int] = set()
        self._cancellations: dict[int, Callable[[], object]] = {}

    @property
    def settled(self) -> list[Settled]:
        """What was settled by transactions that are committed."""
        return list(self._settled.values())

    @property
    def unsettled(self) -> list[Task]:
        """The tasks that nobody has settled."""
        return [task for task in self.tasks if task.id not in self._settled]

    @property
    def passed_over(self) -> list[Task]:
        """The unsettled tasks that `lock` passed over when it was last called with them."""
        return [task for task in self.unsettled if task.id in self._passed_over]

    @property
    def is_stopping(self) -> bool:
        """Whether the drain is about to end, so that work that has not begun had better be left to another."""
        return self._is_stopping()

    def is_cancelled(self, task: Task) -> bool:
        """Whether somebody asked for this task to be cancelled: settle it with `TaskCancelledError`."""
        return task.id in self._cancelled

    def when_cancelled(self, task: Task, interrupt: Callable[[], object]) -> None:
        """Have `interrupt` called, in the event loop, once somebody asks for this task to be cancelled."""
        self._cancellations[task.id] = interrupt
        if task.id in self._cancelled:
            interrupt()

    def cancel(self, task_ids: Collection[int]) -> None:
        """Interrupt those tasks of this claim that are to be cancelled; for the worker."""
        for task_id in {task.id for task in self.tasks}.intersection(task_ids) - self._cancelled:
            self._cancelled.add(task_id)
            if (interrupt := self._cancellations.get(task_id)) is not None:
                interrupt()

    def linger(self) -> None:
        """Give up the place of this claim: what is left of it waits for something slow, and others go on meanwhile."""
        self._linger(self)

    def part(self, tasks: Sequence[Task]) -> Claim[T]:
        """A claim of some of these tasks."""
        part: Claim[T] = Claim(
            self._database,
            self._queue,
            tasks,
            linger=lambda _: self.linger(),
            pass_on=self._pass_on,
            is_stopping=self._is_stopping,
        )
        part._lock_seconds = self._lock_seconds
        part._cancelled, part._cancellations = self._cancelled, self._cancellations
        return part

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """One transaction for results and settling. It waits for no lock longer than a second.

        Raises `LockTimeoutError` when a row stays locked; let it pass, and the worker puts the task back.
        """
        settled: list[Settled] = []
        try:
            with self._database.begin() as connection:
                # By the driver, since a busy queue does this hundreds of times a second.
                driver_connection(connection).execute(f"SET LOCAL lock_timeout = {1000 * self._lock_seconds:.0f}")
                self._uncommitted[connection] = settled
                try:
                    yield connection
                finally:
                    del self._uncommitted[connection]
                self._unconfirmed |= {one.task.id: one for one in settled}
        except LockTimeoutError:
            self._lock_seconds = NEXT_LOCK_SECONDS
            raise
        for one in settled:
            self._settled[one.task.id] = self._unconfirmed.pop(one.task.id, one)

    def lock(self, connection: sa.Connection, tasks: Sequence[Task]) -> list[Task]:
        """Keep these tasks from being enqueued again until the transaction ends; returns those it succeeded with.

        A task that is being enqueued again at this moment is passed over. Leave it unsettled: the worker puts it back,
        and the attempt does not count. What is read after this is as new as the tasks are: see `TaskQueue.lock`.
        """
        held = self._queue.lock(connection, tasks)
        self._passed_over.update(task.id for task in tasks)
        self._passed_over.difference_update(task.id for task in held)
        return held

    def free(self, tasks: Sequence[Task]) -> list[Task]:
        """Those of the tasks that are still held, and whose row nobody has locked at this moment."""
        with self._database.begin() as connection:
            return self._queue.lock(connection, tasks)

    def settle(self, connection: sa.Connection, outcomes: Sequence[Outcome]) -> list[Settled]:
        """Record how these tasks ended, in a `transaction` of this claim; returns what that makes of each.

        Raises `StaleClaimError` when one of them was taken back: let it pass, so that the transaction is rolled back.
        """
        uncommitted = self._uncommitted[connection]
        settled = self._queue.settle(connection, outcomes)
        uncommitted.extend(settled)
        return settled

    def report(self, task: Task, result: T) -> None:
        """Hand on the result of a task once, as soon as the transaction that settled it is committed.

        It may be reported within the transaction, and is dropped when that is rolled back.
        """
        if task.id not in self._reported:
            self._results[task.id] = result

    async def pass_on(self) -> None:
        """Hand over what was reported so far, without waiting for the end of the claim."""
        await self._pass_on(self)

    def confirm(self, unchanged: Sequence[Task]) -> None:
        """Count as settled what was settled by a commit that got no answer, unless that commit left it unchanged."""
        left = {task.id for task in unchanged}
        self._settled |= {task_id: one for task_id, one in self._unconfirmed.items() if task_id not in left}
        self._unconfirmed.clear()

    def take_settled(self) -> list[Settled]:
        """What was settled since the last call."""
        fresh = [one for one in self.settled if one.task.id not in self._taken]
        self._taken.update(one.task.id for one in fresh)
        return fresh

    def take_results(self) -> list[T]:
        """What was reported and settled since the last call."""
        ready = [task_id for task_id in list(self._results) if task_id in self._settled]
        self._reported.update(ready)
        return [self._results.pop(task_id) for task_id in ready]

    def unreported_failures(self) -> list[Settled]:
        """What was settled with an error and not reported by the handler; what was cancelled is no failure."""
        known = self._reported | self._results.keys()
        failed = [one for one in self.settled if one.error is not None and one.state is not TaskState.CANCELLED]
        return [one for one in failed if one.task.id not in known]


class TaskHandler(ABC, Generic[T]):
    """What a drain does with the tasks of its queue; `T` is the type of a task's result."""

    @abstractmethod
    async def handle(self, claim: Claim[T]) -> None:
        """Settle each task of the claim with its results, and report each result.

        It may write the whole claim in one transaction. Should it raise, the worker hands it the unsettled tasks again
        in halves, down to single ones, so that one broken task never harms another.
        """

    @abstractmethod
    def failure(self, settled: Settled) -> T:
        """The result of a task that failed outside of `handle`: an unexpected error, or a worker that died."""

    def record_failures(self, connection: sa.Connection, failures: Sequence[Settled]) -> None:
        """Write what the domain keeps of such tasks, in the transaction that settles them; nothing by default."""


def halves(items: Sequence[T]) -> list[Sequence[T]]:
    """The first and the second half of several items; the two differ by one at most."""
    middle = (len(items) + 1) // 2
    return [items[:middle], items[middle:]]
