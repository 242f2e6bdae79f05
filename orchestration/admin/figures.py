"""The figures of all queues at once: depth, what ended in a window, workers, the oldest, the last.

A handful of queries for any number of queues, none of which counts finished tasks. Keep out: how they are shown.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.storage.row_counts import read_row_counts
from orchestration.work_queue.browsing import due_tasks, last_durations
from orchestration.work_queue.pausing import Pause, pauses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.work_queue.queue import TaskQueue

TREND_HOURS = 24


class QueueFigures(NamedTuple):
    """The figures of one queue. `succeeded` and `failed` are tasks of the window, `failed_attempts` all attempts."""

    name: str
    waiting: int
    active: int
    completed: int
    dead: int
    delayed: int
    cancelled: int
    oldest_seconds: float | None
    promise_seconds: float
    workers: int
    pause: Pause | None
    succeeded: int
    failed: int
    failed_attempts: int
    last_seconds: float | None
    succeeded_by_hour: Sequence[int]
    failed_by_hour: Sequence[int]

    @property
    def is_late(self) -> bool:
        """Whether the oldest task has been due for longer than the queue promises."""
        return self.oldest_seconds is not None and self.oldest_seconds > self.promise_seconds


# Rounded down to whole hours, as the statistics are kept.
_ENDED = sa.text("""
SELECT queue, outcome, CAST(extract(epoch FROM date_trunc('hour', statement_timestamp(), 'UTC') - hour) AS int) / 3600,
    CAST(sum(tasks) AS bigint)
FROM task_statistic WHERE hour > statement_timestamp() - make_interval(hours => :hours) - interval '1 hour'
    AND queue = ANY (CAST(:queues AS text[]))
GROUP BY 1, 2, 3""")


def queue_figures(connection: sa.Connection, queues: Sequence[TaskQueue], hours: int) -> list[QueueFigures]:
    """The figures of the queues, in their order; `hours` is the window of what ended."""
    names = [queue.name for queue in queues]
    counts, due = read_row_counts(connection, "task"), due_tasks(connection, names)
    last, paused = last_durations(connection, names), pauses(connection)
    ended: defaultdict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for name, outcome, hours_ago, tasks in connection.execute(
        _ENDED, {"hours": max(hours, TREND_HOURS), "queues": names}
    ):
        ended[name, outcome][hours_ago] = tasks

    def count(queue: str, state: str) -> int:
        found = counts.get((queue, state))
        return found.rows if found else 0

    def within(queue: str, *outcomes: str) -> int:
        return sum(tasks for one in outcomes for ago, tasks in ended[queue, one].items() if ago <= hours)

    return [
        QueueFigures(
            name=queue.name,
            waiting=max(0, count(queue.name, "waiting") - due[queue.name].delayed),
            active=count(queue.name, "active"),
            completed=count(queue.name, "completed"),
            dead=count(queue.name, "dead"),
            delayed=due[queue.name].delayed,
            cancelled=count(queue.name, "cancelled"),
            oldest_seconds=due[queue.name].oldest_seconds,
            promise_seconds=queue.policy.promise_seconds,
            workers=sum(worker.is_alive for worker in queue.workers(connection)),
            pause=paused.get(queue.name),
            succeeded=within(queue.name, "completed"),
            failed=within(queue.name, "dead"),
            failed_attempts=within(queue.name, "dead", "retried", "lost"),
            last_seconds=last.get(queue.name),
            succeeded_by_hour=_by_hour(ended[queue.name, "completed"]),
            failed_by_hour=_by_hour(ended[queue.name, "dead"]),
        )
        for queue in queues
    ]


def _by_hour(tasks: dict[int, int]) -> list[int]:
    return [tasks.get(ago, 0) for ago in reversed(range(TREND_HOURS))]
