"""The queue: what can be done to its tasks.

One method a statement, over the caller's connection, so that all of it joins the caller's transaction.
Keep out: transactions, threads, waiting; `worker` and `drain` have those.

A task is claimed with a fencing token, and settled only while that token is the latest. So a worker that was taken for
dead and comes back is refused, and with `settle` in the transaction that writes the results, effects happen once.
"""

from __future__ import annotations

import os
import socket
from collections import Counter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from orchestration.errors import ConfigurationError, ConflictError, QueueFullError, TransientError
from orchestration.storage.row_counts import fold_row_counts
from orchestration.work_queue import counting, encoding, statements
from orchestration.work_queue.model import (
    DeadReason,
    DeadTask,
    Enqueued,
    EnqueuedOnce,
    NewTask,
    Outcome,
    QueueCounts,
    Settled,
    StaleClaimError,
    Task,
    TaskState,
    TaskStatus,
    WorkerDiedError,
    WorkerStatus,
)
from orchestration.work_queue.policy import AGEING, full_wait
from orchestration.work_queue.statistics import OutcomeStatistics, fold_statistics, read_statistics, tasks_per_second

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from orchestration.work_queue.policy import QueuePolicy

LOCK_CLASS = 0x7461736B  # "task" in ASCII: the first half of the advisory locks that show which workers live

# How long a claim waits for a row that another transaction has locked, and how long a caller that only enqueues does:
# the handlers that may have locked the row end sooner.
LOCK_SECONDS, ENQUEUE_LOCK_SECONDS = 1.0, 10.0
# For so long a task that lost a worker is passed over by workers that hold slow tasks.
SUSPECT_PATIENCE_SECONDS = 60.0
PRUNED_AT_ONCE = 10_000  # tasks, so that a minute's call is over in a moment
# How long it is remembered that a worker was lost.
LOST_WORKER_SECONDS = 86_400.0


class TaskQueue:
    """One queue of the task table. It holds its policy and nothing else, so it may be a constant."""

    def __init__(self, policy: QueuePolicy) -> None:
        self.policy = policy

    @property
    def name(self) -> str:
        """The queue's name, which is also what a NOTIFY on the channel `task` carries."""
        return self.policy.name

    def enqueue(self, connection: sa.Connection, tasks: Sequence[NewTask]) -> Enqueued:
        """Put `tasks` into the queue, in their order; idle workers are woken at commit.

        An unfinished task of the same key takes over the payload and the higher priority. If it waits for its first
        attempt, it also takes the earlier time; if it is active, it runs once more after the present run; if it is
        dead, it begins again. Raises `QueueFullError`, and enqueues nothing, when the policy's limit would be exceeded.
        """
        if not tasks:
            return Enqueued(0, 0)
        merged = encoding.merge_by_key(tasks)
        self._execute(connection, statements.LIMIT_LOCKS, locks=encoding.milliseconds(ENQUEUE_LOCK_SECONDS))
        self._admit(connection, merged)
        return self._insert(connection, statements.ENQUEUE, merged)

    def enqueue_once(self, connection: sa.Connection, task: NewTask) -> EnqueuedOnce:
        """Put `task` into the queue unless it holds the key already, in any state; the task that it holds then.

        A completed, cancelled or dead task, as long as it is kept, is given back as it is: nothing runs twice, and
        nothing dead is revived. Callers of one key go one after the other until each commits. Raises `ConflictError`
        when the payload is another one, `QueueFullError` as `enqueue` does.
        """
        self._execute(connection, statements.LIMIT_LOCKS, locks=encoding.milliseconds(ENQUEUE_LOCK_SECONDS))
        self._execute(connection, statements.LOCK_KEY, key=task.key, seed=LOCK_CLASS)
        present = self.task(connection, task.key)
        is_new = False
        if present is None:
            self._admit(connection, [task])
            is_new = self._insert(connection, statements.ENQUEUE_NEW, [task]).new == 1
            present = self.task(connection, task.key)
        if present is None:  # put there and taken away by others in between, who do not go by this key's lock
            raise TransientError(f"The task {task.key} of the queue {self.name!r} came and went")
        if not is_new:
            self._refuse_difference(connection, present, task)
        return EnqueuedOnce(is_new, present)

    def task(self, connection: sa.Connection, key: str) -> TaskStatus | None:
        """The task of that key, also one that ended, as long as it is kept; None when the queue has none."""
        row = self._execute(connection, statements.TASK, key=key).mappings().one_or_none()
        return None if row is None else TaskStatus(**{**row, "state": TaskState(row["state"])})

    def register_worker(
        self, connection: sa.Connection, *, host: str | None = None, pid: int | None = None, run_id: str | None = None
    ) -> int:
        """Note a worker, alive while a session holds its advisory lock; returns its number, which no other has."""
        where = {"host": host or socket.gethostname(), "pid": os.getpid() if pid is None else pid, "run_id": run_id}
        return int(self._execute(connection, statements.REGISTER_WORKER, **where).scalar_one())

    def sign_off(self, connection: sa.Connection, worker: int) -> None:
        """Forget the worker, which ends. One that holds tasks still loses them with its lock."""
        self._execute(connection, statements.SIGN_OFF, worker=worker)

    def workers(self, connection: sa.Connection) -> list[WorkerStatus]:
        """The workers that have not signed off, oldest first; those that were lost are among them for a day."""
        return [WorkerStatus(*row) for row in self._execute(connection, statements.WORKERS, lock_class=LOCK_CLASS)]

    def claim(
        self,
        connection: sa.Connection,
        worker: int,
        limit: int | None = None,
        *,
        is_lingering: bool = False,
        is_urgent: bool = False,
    ) -> list[Task]:
        """Claim up to `limit` (the policy's batch) due tasks, the most urgent first, for the worker of that number.

        When `is_urgent`, only those of high priority, and others that have waited as long as makes them equal.

        A task that lost a worker before is claimed alone, and only when the worker holds no other; while it is first,
        the worker gets nothing. When `is_lingering`, since what the worker holds waits for something slow, the task is
        passed over until a minute after its last claim, and then claimed beside them. Raises
        `TransientError` when two claims met on one order key: roll back, and try again.
        """
        try:
            rows = self._execute(
                connection,
                statements.CLAIM,
                worker=worker,
                limit=self.policy.batch if limit is None else limit,
                lease=self.policy.lease_seconds,
                longest_ageing=0.0 if is_urgent else 2 * max(AGEING, self.policy.ageing).total_seconds(),
                is_lingering=is_lingering,
                patience=SUSPECT_PATIENCE_SECONDS,
            )
        except sa.exc.IntegrityError as error:
            raise TransientError(f"Two claims on the queue {self.name!r} met on one order key") from error
        return [Task(*row) for row in rows.all()]

    def lock(self, connection: sa.Connection, tasks: Sequence[Task], *, wait: bool = False) -> list[Task]:
        """Lock those `tasks` that are still the caller's until its transaction ends; which ones those are.

        Until then nobody can enqueue them again. So a handler that keeps something in sync with its source holds the
        tasks, reads, writes and settles: a change that it has not seen commits later, and has a task of its own. A task
        that somebody is enqueueing again just now is passed over, or waited for: `LOCK_SECONDS` at most, as for every
        lock that the transaction takes from then on, or it fails with `LockTimeoutError`.
        """
        statement = statements.LOCK if wait else statements.LOCK_FREE
        locks = encoding.milliseconds(LOCK_SECONDS)
        held = set(self._execute(connection, statement, tasks=encoding.tokens_text(tasks), locks=locks).scalars().all())
        return [task for task in tasks if task.id in held]

    def settle(self, connection: sa.Connection, outcomes: Sequence[Outcome]) -> list[Settled]:
        """Record how the tasks ended: completed, cancelled, waiting for the next attempt, or dead by policy.

        Raises `StaleClaimError` if any of them is no longer held under its token. Let it pass, so that the transaction
        with all that it wrote is rolled back. A task that somebody keeps locked is waited for as in `lock`.
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
            outcomes=encoding.outcomes_text(outcomes, verdicts),
            locks=encoding.milliseconds(LOCK_SECONDS),
        )
        states = {task_id: TaskState(state) for task_id, state in rows}
        return [Settled(one.task, states[one.task.id], one.error) for one in outcomes if one.task.id in states]

    def held(self, connection: sa.Connection, tasks: Sequence[Task]) -> tuple[list[Task], list[Task]]:
        """Those of `tasks` that are still active under their token, and those whose claim the server has forgotten."""
        claims = {
            "ids": [task.id for task in tasks],
            "tokens": [task.token for task in tasks],
            "claimed": [task.claimed_at for task in tasks],
        }
        found = dict(self._execute(connection, statements.HELD, **claims).tuples().all())
        held, forgotten = ([task for task in tasks if found.get(task.id) is forgotten] for forgotten in (False, True))
        return held, forgotten

    def release(self, connection: sa.Connection, worker: int, tasks: Sequence[Task], *, delay: float = 0.0) -> set[int]:
        """Give back those `tasks` that the worker still holds, due again in `delay` seconds; returns their ids.

        The attempt does not count. One that is locked is passed over: give it back later, or by `release_all`.
        """
        return self._release(connection, worker, tasks, listed=True, delay=delay)

    def release_all(self, connection: sa.Connection, worker: int, *, but: Sequence[Task] = ()) -> set[int]:
        """Give back whatever the worker holds beside the tasks in `but`; the attempt does not count. Their ids."""
        return self._release(connection, worker, but, listed=False)

    def renew(self, connection: sa.Connection, worker: int) -> int:
        """Show that the worker lives, and extend the leases of what it holds but for locked rows; how many."""
        return self._execute(connection, statements.RENEW, worker=worker, lease=self.policy.lease_seconds).rowcount

    def reap(self, connection: sa.Connection) -> list[Settled]:
        """Take back the tasks whose worker is gone or whose lease has ended; each loss counts as an attempt."""
        error = WorkerDiedError(f"A worker of the queue {self.name!r} died, or its lease ran out")
        rows = self._execute(
            connection,
            statements.REAP,
            error=encoding.error_text(error),
            attempts=self.policy.retry.attempts,
            waits=list(self.policy.retry.waits()),
            reason=DeadReason.CRASHED,
            lock_class=LOCK_CLASS,
        )
        lost = [Settled(Task(*task), TaskState(state), error) for *task, state in rows]
        if lost:
            self._notify(connection)
        return lost

    def counts(self, connection: sa.Connection, grouping: str | None = None) -> QueueCounts:
        """How many tasks are where, in all or of one grouping."""
        statement = counting.COUNTS if grouping is None else counting.COUNTS_OF_GROUP
        return QueueCounts(*self._execute(connection, statement, grouping=grouping).one())

    def unfinished(self, connection: sa.Connection, keys: Collection[str]) -> set[str]:
        """Those of `keys` that wait or are active."""
        return set(self._execute(connection, statements.UNFINISHED, keys=list(keys)).scalars())

    def ends(self, connection: sa.Connection, keys: Collection[str]) -> dict[str, tuple[TaskState, str | None]]:
        """The state of the newest task of each key, and its last error; keys without a task are missing."""
        rows = self._execute(connection, statements.ENDS, keys=list(keys))
        return {key: (TaskState(state), error) for key, state, error in rows}

    def next_due(self, connection: sa.Connection) -> float | None:
        """Seconds until the next delayed task may run; None when there is none."""
        due: float | None = self._execute(connection, statements.NEXT_DUE).scalar_one()
        return due

    def dead(self, connection: sa.Connection, limit: int = 100) -> list[DeadTask]:
        """The dead letters, newest first."""
        return [DeadTask(*row) for row in self._execute(connection, statements.DEAD, limit=limit)]

    def replay(self, connection: sa.Connection, keys: Sequence[str] | None = None, *, dry_run: bool = False) -> int:
        """Let dead tasks (all, or those of `keys`) begin again; how many, also when `dry_run` leaves them dead.

        What they died of stays in their history. Raises `ConfigurationError` that names the right command for a queue
        whose policy says that this alone would help nothing.
        """
        if self.policy.replay_with is not None:
            raise ConfigurationError(
                f"A task of the queue {self.name} is not replayed by itself; run `{self.policy.replay_with}`"
            )
        wanted = None if keys is None else list(keys)
        if dry_run:
            return int(self._execute(connection, statements.COUNT_DEAD, keys=wanted).scalar_one())
        replayed = self._execute(connection, statements.REPLAY, keys=wanted).rowcount
        self._notify(connection)
        return replayed

    def cancel(self, connection: sa.Connection, grouping: str) -> int:
        """Remove the grouping's waiting tasks; how many. Active ones end, and do not run again."""
        return self._execute(connection, statements.CANCEL, grouping=grouping).rowcount

    def request_cancel(self, connection: sa.Connection, key: str) -> TaskState | None:
        """Cancel one task, a waiting one at once; its new state, or None when no unfinished task has that key.

        An active one is marked, and its worker notified at commit; until that stops it, it may still complete.
        """
        locks = encoding.milliseconds(LOCK_SECONDS)
        row = self._execute(connection, statements.REQUEST_CANCEL, key=key, locks=locks).one_or_none()
        if row is None:
            return None
        if row.worker is not None:
            self._execute(connection, statements.NOTIFY_CANCEL, notice=self.cancel_notice(row.worker))
        return TaskState(row.state)

    def cancel_notice(self, worker: int) -> str:
        """What a NOTIFY on the channel `task` carries when a task of that worker is to be cancelled."""
        return f"{self.name}/cancel/{worker}"

    def cancel_requested(self, connection: sa.Connection, worker: int) -> set[int]:
        """The ids of the worker's tasks that are to be cancelled: settle them with `TaskCancelledError`."""
        return set(self._execute(connection, statements.CANCEL_REQUESTED, worker=worker).scalars())

    def report_progress(
        self,
        connection: sa.Connection,
        task: Task,
        percent: float | None = None,
        *,
        step: str | None = None,
        message: str | None = None,
    ) -> bool:
        """Record how far an active task is, 0 to 100; what is None stays as it was, and `percent` never goes back.

        False when the task is no longer held under its token, or somebody has locked it just now.
        """
        bounded = None if percent is None else min(100.0, max(0.0, percent))
        values = {"id": task.id, "token": task.token, "percent": bounded, "step": step, "message": message}
        return self._execute(connection, statements.PROGRESS, **values).rowcount == 1

    def statistics(self, connection: sa.Connection, seconds: float | None = None) -> list[OutcomeStatistics]:
        """How the tasks ended, ever or in the last so many seconds, and how long they waited and ran."""
        return read_statistics(connection, self.name, seconds)

    def prune(self, connection: sa.Connection, limit: int = PRUNED_AT_ONCE) -> int:
        """Delete up to `limit` finished tasks that the policy no longer keeps; how many. It waits for nobody.

        Folds statistics and counts, forgets workers lost long ago, and gives waiting tasks the policy's ageing too.
        """
        fold_statistics(connection, self.name, keep_seconds=self.policy.keep_hours.total_seconds(), limit=limit)
        fold_row_counts(connection, limit=limit)
        self._execute(connection, statements.FORGET_WORKERS, lock_class=LOCK_CLASS, age=LOST_WORKER_SECONDS)
        ageing = round(self.policy.ageing.total_seconds())
        self._execute(connection, statements.SET_AGEING, ageing=ageing, limit=limit)
        return self._execute(
            connection,
            statements.PRUNE,
            completed_age=self.policy.keep_completed.age.total_seconds(),
            completed_count=self.policy.keep_completed.count,
            dead_age=self.policy.keep_dead.age.total_seconds(),
            dead_count=self.policy.keep_dead.count,
            limit=limit,
        ).rowcount

    def _insert(self, connection: sa.Connection, statement: sa.TextClause, tasks: Sequence[NewTask]) -> Enqueued:
        document = encoding.tasks_text(tasks, round(self.policy.ageing.total_seconds()))
        enqueued = Enqueued(*self._execute(connection, statement, tasks=document).one())
        self._notify(connection)
        return enqueued

    def _admit(self, connection: sa.Connection, tasks: Sequence[NewTask]) -> None:
        """Let nobody else enqueue until the commit, and raise `QueueFullError` when there is no room for `tasks`."""
        if self.policy.most_waiting is None:
            return
        self._execute(connection, statements.LOCK_QUEUE, seed=LOCK_CLASS)
        known = self.unfinished(connection, [task.key for task in tasks])
        arriving = Counter(int(task.priority) for task in tasks if task.key not in known)
        waiting = dict(self._execute(connection, statements.WAITING_BY_PRIORITY).tuples().all())
        if excess := self.policy.excess(waiting, arriving):
            wait = full_wait(excess, tasks_per_second(connection, self.name))
            raise QueueFullError(
                f"The queue {self.name} is full: {sum(waiting.values())} tasks wait, and {excess} of "
                f"{arriving.total()} more find no room. Try again in {wait:.0f} s",
                retry_after=wait,
            )

    def _refuse_difference(self, connection: sa.Connection, present: TaskStatus, task: NewTask) -> None:
        values = {"id": present.id, "payload": encoding.json_text(task.payload)}
        row = self._execute(connection, statements.DIFFERENCE, **values).one()
        if not row.is_same:
            differing = "its payload" if row.fields is None else ", ".join(row.fields)
            raise ConflictError(
                f"The queue {self.name} holds another task under the key {task.key}; they differ in {differing}"
            )

    def _release(
        self, connection: sa.Connection, worker: int, tasks: Sequence[Task], *, listed: bool, delay: float = 0.0
    ) -> set[int]:
        rows = self._execute(
            connection,
            statements.RELEASE,
            worker=worker,
            ids=[task.id for task in tasks],
            tokens=[task.token for task in tasks],
            listed=listed,
            delay=delay,
        )
        released = set(rows.scalars())
        if released:
            self._notify(connection)
        return released

    def _notify(self, connection: sa.Connection) -> None:
        self._execute(connection, statements.NOTIFY)

    def _execute(self, connection: sa.Connection, statement: sa.TextClause, **values: object) -> sa.CursorResult[Any]:
        return connection.execute(statement, {"queue": self.name, **values})
