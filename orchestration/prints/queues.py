"""The queue of print tasks, and what a task in it is asked for.

Belongs here: the policy, and the payload. Does not: which tasks are queued (`pending`), or what is done (`printing`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from orchestration.work_queue.model import NewTask, Priority
from orchestration.work_queue.policy import QueuePolicy, RetryPolicy
from orchestration.work_queue.queue import TaskQueue

if TYPE_CHECKING:
    from orchestration.settings import Settings

PRINT_QUEUE = "print"
# Small enough that two processes end a batch at about the same time, large enough that a batch's dozen statements
# cost little a task.
BATCH = 48


class Wish(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a task is to be done.

    `force` renders it even if its product has been rendered before. `skip_if_exists` keeps the files that it has.
    `any_status` does it whatever the status of its order.
    """

    force: bool = False
    skip_if_exists: bool = False
    any_status: bool = False


def print_queue(settings: Settings) -> TaskQueue:
    """Print tasks to render; the key is the task's id, the grouping its SKU."""
    retry = RetryPolicy(settings.print_attempts, settings.print_retry_seconds)
    return TaskQueue(QueuePolicy(PRINT_QUEUE, retry, batch=BATCH))


def render_task(
    task_id: int, sku: str, age_seconds: float, wish: Wish, priority: Priority = Priority.NORMAL
) -> NewTask:
    """The queue's task for a print task that is `age_seconds` old."""
    # A negative delay gives it the place that its age deserves, whenever it is queued.
    return NewTask(str(task_id), wish, grouping=sku, priority=priority, delay=-max(0.0, age_seconds))
