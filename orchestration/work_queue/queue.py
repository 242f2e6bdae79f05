"""The queue: what can be done to its tasks.

Belongs here: one method a statement, over the caller's connection, so that all of it joins the caller's transaction.
Does not: transactions, threads, waiting; `worker` and `drain` have those.

A task is claimed with a fencing token, and settled only while that token is the latest. So a worker that was taken for
dead and comes back is refused, and with `settle` in the transaction that writes the results, effects happen once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from orchestration.errors import TransientError
from orchestration.storage.database import driver_connection
from orchestration.work_queue import statements
from orchestration.work_queue.model import (
    DeadReason,
    DeadTask,
    Enqueued,
    NewTask,
    Outcome,
    QueueCounts,
    Settled,
    StaleClaimError,
    Task,
    TaskState,
    WorkerDiedError,
)
from orchestration.work_queue.tables import AGEING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from orchestration.work_queue.policy import QueuePolicy

LOCK_CLASS = 0x7461736B  # "task" in ASCII: the first half of the advisory locks that show which workers live
LONGEST_ERROR = 2_000

_encode = msgspec.json.Encoder().encode


class TaskQueue:
    """One queue of the task table. It holds its policy and nothing else, so it may be a constant."""

    def __init__(self, policy: QueuePolicy) -> None:
        self.policy = policy

    @property
    def name(self) -> str:
        """The queue's name, which is also what a NOTIFY on the channel `task` carries."""
        return self.policy.name

    def enqueue(self, connection: sa.Connection, tasks: Sequence[NewTask]) -> Enqueued:
        """Put `tasks` into the queue, in their order; whoever drains it is woken at commit.

        An unfinished task of the same key takes over the payload and the higher priority. If it waits for its first
        attempt, it also takes the earlier time; if it is active, it runs once more after the present run; if it is
        dead, it begins anew.
        """
        if not tasks:
            return Enqueued(0, 0)
        document = _encode(_one_per_key(tasks)).decode()
        enqueued = Enqueued(*self._execute(connection, statements.ENQUEUE, tasks=document).one())
        self._notify(connection)
        return enqueued

    def next_worker(self, connection: sa.Connection) -> int:
        """A number for a worker, which no other has."""
        return int(self._execute(connection, statements.NEXT_WORKER).scalar_one())

    def claim(self, connection: sa.Connection, worker: int, limit: int | None = None) -> list[Task]:
        """Claim up to `limit` (the policy's batch) due tasks, the most urgent first, for the worker of that number.

        A task that lost a worker before is claimed alone, and only when the worker holds no other. Raises
        `TransientError` when two claims met on one order key: roll back, and try again.
        """
        try:
            rows = self._execute(
                connection,
                statements.CLAIM,
                worker=worker,
                limit=self.policy.batch if limit is None else limit,
                lease=self.policy.lease_seconds,
                longest_ageing=2 * AGEING.total_seconds(),
            )
        except sa.exc.IntegrityError as error:
            raise TransientError(f"Two claims on the queue {self.name!r} met on one order key") from error
        return [Task(*row) for row in rows.all()]

    def hold(self, connection: sa.Connection, tasks: Sequence[Task], *, wait: bool = False) -> list[Task]:
        """Lock those `tasks` that are still the caller's until its transaction ends; which ones those are.

        Until then nobody can enqueue them again. So a handler that brings something in step with its source holds the
        tasks, reads, writes and settles: a change that it has not seen commits later, and has a task of its own. A task
        that somebody is enqueueing again just now is passed over, or waited for.
        """
        statement = statements.HOLD if wait else statements.HOLD_FREE
        ids, tokens = [task.id for task in tasks], [task.token for task in tasks]
        held = set(self._execute(connection, statement, ids=ids, tokens=tokens).scalars())
        return [task for task in tasks if task.id in held]

    def settle(self, connection: sa.Connection, outcomes: Sequence[Outcome]) -> list[Settled]:
        """Record how the tasks ended: completed, waiting for the next attempt, or dead by policy.

        Raises `StaleClaimError` if any of them is no longer held under its token. Let it pass, so that the
        transaction, with whatever else it wrote, is rolled back.
        """
        settled = self.settle_held(connection, outcomes)
        if len(settled) < len(outcomes):
            held = {one.task.id for one in settled}
            raise StaleClaimError([outcome.task for outcome in outcomes if outcome.task.id not in held])
        return settled

    def settle_held(self, connection: sa.Connection, outcomes: Sequence[Outcome]) -> list[Settled]:
        """As `settle`, but pass over the tasks that are no longer held; those that were settled."""
        if not outcomes:
            return []
        verdicts = [self.policy.retry.judge(outcome.task.attempt, outcome.error) for outcome in outcomes]
        rows = self._execute(
            connection,
            statements.SETTLE,
            ids=[outcome.task.id for outcome in outcomes],
            tokens=[outcome.task.token for outcome in outcomes],
            states=[verdict.state for verdict in verdicts],
            waits=[verdict.wait for verdict in verdicts],
            reasons=[verdict.reason for verdict in verdicts],
            errors=[_error_text(outcome.error) for outcome in outcomes],
        )
        held = set(rows.scalars().all())
        return [
            Settled(outcome.task, verdict.state, outcome.error)
            for outcome, verdict in zip(outcomes, verdicts, strict=True)
            if outcome.task.id in held
        ]

    def release(self, connection: sa.Connection, worker: int, tasks: Sequence[Task]) -> set[int]:
        """Give back those `tasks` that the worker still holds; the attempt does not count. Their ids."""
        return self._release(connection, worker, tasks, listed=True)

    def release_all(self, connection: sa.Connection, worker: int, *, but: Sequence[Task] = ()) -> set[int]:
        """Give back whatever the worker holds beside the tasks in `but`; the attempt does not count. Their ids."""
        return self._release(connection, worker, but, listed=False)

    def renew(self, connection: sa.Connection, worker: int) -> int:
        """Extend the leases of what the worker holds, but for rows that are locked just now; how many."""
        return self._execute(connection, statements.RENEW, worker=worker, lease=self.policy.lease_seconds).rowcount

    def reap(self, connection: sa.Connection) -> list[Settled]:
        """Take back the tasks whose worker is gone or whose lease has ended; each loss counts as an attempt."""
        rows = self._execute(
            connection,
            statements.REAP,
            attempts=self.policy.retry.attempts,
            waits=list(self.policy.retry.waits()),
            reason=DeadReason.CRASHED,
            lock_class=LOCK_CLASS,
        )
        error = WorkerDiedError(f"A worker of the queue {self.name!r} died, or its lease ran out")
        lost = [Settled(Task(*task), TaskState(state), error) for *task, state in rows]
        if lost:
            self._notify(connection)
        return lost

    def counts(self, connection: sa.Connection, grouping: str | None = None) -> QueueCounts:
        """How many tasks are where, in all or of one grouping."""
        return QueueCounts(*self._execute(connection, statements.COUNTS, grouping=grouping).one())

    def unfinished(self, connection: sa.Connection, keys: Collection[str]) -> set[str]:
        """Those of `keys` that wait or are active."""
        return set(self._execute(connection, statements.UNFINISHED, keys=list(keys)).scalars())

    def next_due(self, connection: sa.Connection) -> float | None:
        """Seconds until the next delayed task may run; None when there is none."""
        due: float | None = self._execute(connection, statements.NEXT_DUE).scalar_one()
        return due

    def dead(self, connection: sa.Connection, limit: int = 100) -> list[DeadTask]:
        """The dead letters, newest first."""
        return [DeadTask(*row) for row in self._execute(connection, statements.DEAD, limit=limit)]

    def replay(self, connection: sa.Connection, keys: Sequence[str] | None = None, *, dry_run: bool = False) -> int:
        """Let dead tasks (all, or those of `keys`) begin anew; how many, also when `dry_run` leaves them dead."""
        wanted = None if keys is None else list(keys)
        if dry_run:
            return int(self._execute(connection, statements.COUNT_DEAD, keys=wanted).scalar_one())
        replayed = self._execute(connection, statements.REPLAY, keys=wanted).rowcount
        self._notify(connection)
        return replayed

    def cancel(self, connection: sa.Connection, grouping: str) -> int:
        """Remove the grouping's waiting tasks; how many. Active ones end, and do not run again."""
        return self._execute(connection, statements.CANCEL, grouping=grouping).rowcount

    def prune(self, connection: sa.Connection) -> int:
        """Delete the finished tasks that the policy no longer keeps; how many."""
        return self._execute(
            connection,
            statements.PRUNE,
            completed_age=self.policy.keep_completed.age.total_seconds(),
            completed_count=self.policy.keep_completed.count,
            dead_age=self.policy.keep_dead.total_seconds(),
        ).rowcount

    def _release(self, connection: sa.Connection, worker: int, tasks: Sequence[Task], *, listed: bool) -> set[int]:
        rows = self._execute(
            connection,
            statements.RELEASE,
            worker=worker,
            ids=[task.id for task in tasks],
            tokens=[task.token for task in tasks],
            listed=listed,
        )
        released = set(rows.scalars())
        if released:
            self._notify(connection)
        return released

    def _notify(self, connection: sa.Connection) -> None:
        self._execute(connection, statements.NOTIFY)

    def _execute(self, connection: sa.Connection, statement: sa.TextClause, **values: object) -> sa.CursorResult[Any]:
        # A plan that the server keeps from when the table was small walks it whole once it has grown (64 ms a claim
        # of 75,000 tasks instead of 4), so these statements are planned each time.
        driver_connection(connection).prepare_threshold = None
        return connection.execute(statement, {"queue": self.name, **values})


def _one_per_key(tasks: Sequence[NewTask]) -> list[NewTask]:
    """The tasks as if they had been enqueued one by one, since one statement may not touch a row twice."""
    merged: dict[str, NewTask] = {}
    for task in tasks:
        earlier = merged.get(task.key)
        merged[task.key] = task if earlier is None else _refreshed(earlier, task)
    return list(merged.values())


def _refreshed(earlier: NewTask, later: NewTask) -> NewTask:
    return NewTask(
        key=earlier.key,
        payload=later.payload,
        grouping=later.grouping,
        order_key=earlier.order_key,
        priority=min(earlier.priority, later.priority),
        delay=min(earlier.delay, later.delay),
    )


def _error_text(error: Exception | None) -> str | None:
    """The error as PostgreSQL can store it, which takes neither NUL nor lone surrogates."""
    if error is None:
        return None
    text = f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
    return text.replace("\0", "\\x00").encode(errors="backslashreplace").decode()[:LONGEST_ERROR]
