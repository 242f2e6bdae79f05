"""The queue of print tasks, and how a task in it is to be rendered.

It holds the policy and the payload. Keep out: which tasks are queued (`pending`), and the rendering (`handler`).
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


class RenderOptions(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a task is rendered; the payload of the queue's task.

    `force` renders it even if its product has been rendered before. `skip_if_exists` keeps the files that it has.
    `any_status` renders it in any status of its order.
    """

    force: bool = False
    skip_if_exists: bool = False
    any_status: bool = False

    def merged(self, own: RenderOptions) -> RenderOptions:
        """What a drain is asked for every task, with what one task is asked for; `force` wins over keeping files."""
        force = self.force or own.force
        skip_if_exists = not force and (self.skip_if_exists or own.skip_if_exists)
        return RenderOptions(force, skip_if_exists, self.any_status or own.any_status)


def print_queue(settings: Settings) -> TaskQueue:
    """Print tasks to render; the key is the task's id, the grouping its SKU."""
    retry = RetryPolicy(settings.print_attempts, settings.print_retry_seconds)
    poll = settings.print_poll_ms / 1000
    policy = QueuePolicy(
        PRINT_QUEUE,
        retry,
        batch=BATCH,
        poll_seconds=poll,
        longest_poll_seconds=poll,
        promise_seconds=1800.0,
        replay_with="orchestration prints retry",
    )
    return TaskQueue(policy)


def render_task(
    task_id: int, sku: str, age_seconds: float, options: RenderOptions, priority: Priority = Priority.NORMAL
) -> NewTask:
    """The queue's task for a print task that is `age_seconds` old."""
    # A negative delay gives it the place that its age deserves, whenever it is queued.
    return NewTask(str(task_id), options, grouping=sku, priority=priority, delay=-max(0.0, age_seconds))
