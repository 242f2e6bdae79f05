"""The rules of a queue: how often and when a failed task is tried again, and how long finished ones are kept.

Pure rules over an attempt and an error. Keep out: time, or anything that touches the database.

n attempts have n - 1 waits. A list such as "2 attempts, after 30 s and 60 s" names a wait that is never used.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestration.errors import ConfigurationError, PermanentError, TransientError
from orchestration.work_queue.model import DeadReason, Priority, TaskCancelledError, TaskState

if TYPE_CHECKING:
    from collections.abc import Mapping

# A task is worth as much as one of the next level that came so much later, unless its queue says otherwise.
AGEING = timedelta(minutes=10)

# Whatever the other side asks for, a task is not parked for longer than this.
LONGEST_RETRY_AFTER = timedelta(days=1)

# As the mirror queue of the system before this one did it.
POLL_GROWTH = 1.4

# What a caller is asked to wait for a full queue, within these seconds; so long when nothing is known of its pace.
SHORTEST_FULL_WAIT, USUAL_FULL_WAIT, LONGEST_FULL_WAIT = 1.0, 30.0, 600.0


class Backoff(StrEnum):
    """How the wait grows from one failure to the next."""

    FIXED = "fixed"
    EXPONENTIAL = "exponential"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a task: its next state, the wait in seconds before the next attempt, and why it is dead."""

    state: TaskState
    wait: float = 0.0
    reason: DeadReason | None = None


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a task is tried, and the waits in seconds between the attempts.

    Exponential waits double from `first_wait` up to `longest_wait`. Raises `ConfigurationError` for no attempts.
    """

    attempts: int
    first_wait: float = 0.0
    backoff: Backoff = Backoff.FIXED
    longest_wait: float = 3600.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ConfigurationError(f"A task needs at least one attempt, not {self.attempts}")

    def waits(self) -> tuple[float, ...]:
        """The seconds to wait after each failed attempt but the last."""
        growth = 2.0 if self.backoff is Backoff.EXPONENTIAL else 1.0
        return tuple(min(self.longest_wait, self.first_wait * growth**n) for n in range(self.attempts - 1))

    def judge(self, attempt: int, error: Exception | None) -> Verdict:
        """What becomes of a task after its `attempt` (from 1) ended with `error`."""
        if error is None:
            return Verdict(TaskState.COMPLETED)
        if isinstance(error, TaskCancelledError):
            return Verdict(TaskState.CANCELLED)
        if isinstance(error, PermanentError):
            return Verdict(TaskState.DEAD, reason=DeadReason.PERMANENT)
        if attempt >= self.attempts:
            return Verdict(TaskState.DEAD, reason=DeadReason.EXHAUSTED)
        return Verdict(TaskState.WAITING, wait=float(max(self.waits()[attempt - 1], _asked_wait(error))))


def _asked_wait(error: Exception) -> float:
    asked = error.retry_after if isinstance(error, TransientError) else None
    return min(asked or 0.0, LONGEST_RETRY_AFTER.total_seconds())


@dataclass(frozen=True, slots=True)
class Retention:
    """How long, and at most how many, finished tasks are kept."""

    age: timedelta
    count: int


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    """Everything that tells one queue from another.

    `batch` is how many tasks are claimed together. While claims come full, each asks for twice as many as the one
    before, up to `largest_batch`, so that more tasks share what a claim costs by itself. `lease_seconds` is how long a
    worker that gives no sign of life keeps its tasks. New tasks are announced. An idle worker also polls after
    `poll_seconds`, and after each empty poll waits `POLL_GROWTH` times as long, up to `longest_poll_seconds`. A task
    of one level goes before one of the next that came up to `ageing` later.

    `most_waiting` tasks may wait, now due or later; None is no limit. `reserved_shares` of them, one for high, normal
    and low, are kept for that level, so that no level shuts out another. `promise_seconds` is how long a due task may
    wait before somebody is to look. `replay_with` is the command that revives dead tasks of a queue where letting them
    begin again is not enough: then `replay` refuses, and names it.

    With `durable_claims` off a claim is not on disk before its tasks are handled, which halves how often a batch waits
    for the disk. When the server crashes, the newest claims may be forgotten, and their tasks be claimed again beside
    those who still handle them: it is for handlers whose every effect is in the transaction that locks the tasks and
    settles them.

    Raises `ConfigurationError` for shares that are negative or more than the whole, and for ageing of less than a
    second.
    """

    name: str
    retry: RetryPolicy
    lease_seconds: float = 60.0
    batch: int = 100
    largest_batch: int = 0
    poll_seconds: float = 1.0
    longest_poll_seconds: float = 1.0
    keep_completed: Retention = Retention(age=timedelta(days=1), count=100_000)
    keep_dead: Retention = Retention(age=timedelta(days=7), count=10_000)
    keep_hours: timedelta = timedelta(days=90)
    ageing: timedelta = AGEING
    most_waiting: int | None = None
    reserved_shares: tuple[float, float, float] = (0.0, 0.0, 0.0)
    promise_seconds: float = 3600.0
    replay_with: str | None = None
    durable_claims: bool = True

    def __post_init__(self) -> None:
        if min(self.reserved_shares) < 0 or sum(self.reserved_shares) > 1:
            raise ConfigurationError(f"The reserved shares of {self.name} are negative or exceed 1 together")
        if self.ageing < timedelta(seconds=1):
            raise ConfigurationError(f"The ageing of {self.name} must be a second or more")

    def next_batch(self, asked: int, claimed: int) -> int:
        """How many tasks to ask for after a claim that asked for so many and got so many."""
        return max(self.batch, min(2 * asked, self.largest_batch)) if claimed == asked else self.batch

    def poll(self, empty_polls: int) -> float:
        """Seconds until the next poll after so many empty ones."""
        return min(self.longest_poll_seconds, self.poll_seconds * POLL_GROWTH**empty_polls)

    def excess(self, waiting: Mapping[int, int], arriving: Mapping[int, int]) -> int:
        """How many of the `arriving` tasks are too many beside those that wait; both are counted by priority.

        A level fills its reserved share first, and after that competes with the others for what no level has reserved.
        """
        if self.most_waiting is None:
            return 0
        reserved = {level: int(self.most_waiting * self.reserved_shares[level]) for level in Priority}
        shared = self.most_waiting - sum(reserved.values())
        before = sum(max(0, waiting.get(level, 0) - reserved[level]) for level in Priority)
        after = sum(max(0, waiting.get(level, 0) + arriving.get(level, 0) - reserved[level]) for level in Priority)
        return max(0, after - before - max(0, shared - before))


def full_wait(excess: int, per_second: float | None) -> float:
    """Seconds until a full queue will have room for so many tasks, by its pace if that is known; within bounds."""
    wait = excess / per_second if per_second else USUAL_FULL_WAIT
    return min(LONGEST_FULL_WAIT, max(SHORTEST_FULL_WAIT, wait))
