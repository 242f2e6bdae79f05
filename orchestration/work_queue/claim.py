"""A batch in a handler's hands.

Belongs here: what a handler may do with the tasks it was given, and what becomes of those it did not settle.
Does not: claiming, or deciding when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.work_queue.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

    from orchestration.work_queue.model import Settled, Task
    from orchestration.work_queue.queue import TaskQueue


class Claim:
    """Tasks that a worker holds. A handler settles each of them once, in the transaction that writes its results."""

    def __init__(self, queue: TaskQueue, worker: int, tasks: Sequence[Task]) -> None:
        self.tasks = tuple(tasks)
        self._queue = queue
        self._worker = worker
        self._settled: dict[int, Settled] = {}

    @property
    def settled(self) -> list[Settled]:
        """What was settled, as far as the handler's transactions were committed."""
        return list(self._settled.values())

    @property
    def unsettled(self) -> list[Task]:
        """The tasks that nobody has settled."""
        return [task for task in self.tasks if task.id not in self._settled]

    def hold(self, connection: sa.Connection, tasks: Sequence[Task], *, wait: bool = False) -> list[Task]:
        """Keep these tasks from being enqueued again until the transaction ends; those it succeeded with.

        What is read after this is as new as they are: see `TaskQueue.hold`.
        """
        return self._queue.hold(connection, tasks, wait=wait)

    def settle(self, connection: sa.Connection, outcomes: Sequence[Outcome]) -> list[Settled]:
        """Record how these tasks ended, in the caller's transaction; what that makes of each.

        Raises `StaleClaimError` when one of them was taken back: let it pass, so that the transaction is rolled back.
        """
        settled = self._queue.settle(connection, outcomes)
        self._settled |= {one.task.id: one for one in settled}
        return settled

    def fail(self, connection: sa.Connection, error: Exception) -> None:
        """Settle every task that is still held with `error`, also one whose settling was rolled back."""
        outcomes = [Outcome(task, error) for task in self.tasks]
        self._settled |= {one.task.id: one for one in self._queue.settle_held(connection, outcomes)}

    def release(self, connection: sa.Connection) -> None:
        """Give back every task that is still held; the attempt does not count."""
        for task_id in self._queue.release(connection, self._worker, self.tasks):
            self._settled.pop(task_id, None)
