"""The words of the queue: a task to enqueue, a claimed task, how it ended, and the counts.

Plain data that callers see. Keep out: the table, the SQL, or the rules that judge an outcome.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any

from orchestration.errors import OrchestrationError

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime


class TaskState(StrEnum):
    """Where a task is. A delayed task is a waiting one whose time has not come."""

    WAITING = "waiting"
    ACTIVE = "active"
    COMPLETED = "completed"
    DEAD = "dead"
    CANCELLED = "cancelled"


class Priority(IntEnum):
    """Which task goes first. Ageing lets one that waits overtake the next level (see `tables`)."""

    HIGH = 0
    NORMAL = 1
    LOW = 2


class DeadReason(StrEnum):
    """Why a task went to the dead letters."""

    PERMANENT = "permanent error"
    EXHAUSTED = "attempts used up"
    CRASHED = "worker died"


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task to enqueue.

    `key` names the work within its queue: there is never more than one unfinished task of a key. `payload` is
    anything that `msgspec` encodes as JSON. `grouping` is what counts and cancellation go by. Tasks of one `order_key`
    run one at a time, in the order in which they were enqueued. `delay` is in seconds.
    """

    key: str
    payload: object = field(default_factory=dict)
    grouping: str | None = None
    order_key: str | None = None
    priority: Priority = Priority.NORMAL
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Enqueued:
    """What enqueueing did: tasks that are new, and unfinished ones of the same key that were refreshed or revived."""

    new: int
    refreshed: int


@dataclass(frozen=True, slots=True)
class Task:
    """A claimed task.

    `token` is the fencing token: it rises with every claim, so only the latest owner's outcome is accepted.
    `attempt` counts from 1. `payload` is as JSON decodes it; `msgspec.convert` reads it into a type. A claim that the
    server forgot in a crash is made again under the same token, but at another time than `claimed_at`.
    """

    id: int
    token: int
    key: str
    payload: Any
    attempt: int
    grouping: str | None
    order_key: str | None
    enqueued_at: datetime
    claimed_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt at a task ended: with an error, or well.

    A `TaskCancelledError` ends a task that was to be cancelled. `result` is a small document that stays with the
    completed task, of anything that `msgspec` encodes as JSON.
    """

    task: Task
    error: Exception | None = None
    result: object = None


@dataclass(frozen=True, slots=True)
class Settled:
    """A settled outcome: `state` is completed, dead, cancelled, or waiting for the next attempt."""

    task: Task
    state: TaskState
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class DeadTask:
    """A dead letter. `first_error` is what it failed with first, before any replay."""

    key: str
    grouping: str | None
    payload: Any
    attempt: int
    reason: str
    error: str | None
    finished_at: datetime
    first_error: str | None = None
    first_failed_at: datetime | None = None
    replays: int = 0


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """A task as it is in the queue, also after it ended, as long as it is kept.

    `attempt` counts from 1 once it has been claimed. `percent`, `step` and `message` are what its worker reported last.
    `history` has an entry for each earlier death: attempts, reason, error, dead_at. `due_at` is when it may run.
    `run_id` is the Dagster run of the worker that claimed it last, if that was one of a run.
    """

    id: int
    key: str
    state: TaskState
    grouping: str | None
    payload: Any
    attempt: int
    percent: float | None
    step: str | None
    message: str | None
    result: Any
    reason: str | None
    error: str | None
    first_error: str | None
    first_failed_at: datetime | None
    replays: int
    history: list[dict[str, Any]]
    is_cancel_requested: bool
    enqueued_at: datetime
    due_at: datetime
    claimed_at: datetime | None
    finished_at: datetime | None
    run_id: str | None


@dataclass(frozen=True, slots=True)
class EnqueuedOnce:
    """The task of a key that may be enqueued once: a new one, or the one that was there."""

    is_new: bool
    task: TaskStatus


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A worker that registered and has not signed off.

    `is_alive` is what its advisory lock says, which goes with its session; `seen_at` is when it last renewed its
    leases; `tasks` is how many it holds.
    """

    number: int
    queue: str
    host: str
    pid: int
    run_id: str | None
    started_at: datetime
    seen_at: datetime
    tasks: int
    is_alive: bool


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """How many tasks of a queue are where.

    `waiting` ones may run now, `delayed` ones later, `failed` ones are dead. `oldest_seconds` is how long the oldest
    waiting task has been due; `next_due_seconds` is how long until the next delayed one is; None when there is none.
    """

    waiting: int
    active: int
    completed: int
    failed: int
    delayed: int
    oldest_seconds: float | None
    next_due_seconds: float | None
    cancelled: int = 0


class StaleClaimError(OrchestrationError):
    """These tasks are no longer the worker's: another has them, or has had them. Roll back what was done."""

    def __init__(self, tasks: Collection[Task]) -> None:
        keys = ", ".join(task.key for task in list(tasks)[:5])
        super().__init__(f"{len(tasks)} claimed tasks were taken back before they were settled: {keys}")
        self.tasks = tuple(tasks)


class WorkerDiedError(OrchestrationError):
    """The worker that held the task died, or its lease ran out."""


class UnsettledTaskError(OrchestrationError):
    """The handler returned without settling the task."""


class TaskCancelledError(OrchestrationError):
    """Somebody asked for this task to be cancelled, and it was. Its worker settles it with this."""
