"""The queue of render jobs: its policy, and the task of a job.

Keep out: which jobs are queued (`pending`), and how they are rendered (`handler`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from orchestration.work_queue.model import NewTask, Priority
from orchestration.work_queue.policy import Backoff, QueuePolicy, Retention, RetryPolicy
from orchestration.work_queue.queue import TaskQueue

if TYPE_CHECKING:
    from orchestration.settings import Settings

RENDER_QUEUE: Final = "render-engine"
# While one job's turntable is encoded, the stills of the others keep the render processes busy.
BATCH: Final = 4
RETRY_COMMAND: Final = "orchestration mockups retry"


def render_queue(settings: Settings) -> TaskQueue:
    """Render jobs; the key is the job's id, the grouping its garment's SKU."""
    policy = QueuePolicy(
        RENDER_QUEUE,
        RetryPolicy(settings.mockup_attempts, settings.mockup_retry_seconds, Backoff.EXPONENTIAL),
        batch=BATCH,
        keep_completed=Retention(timedelta(hours=24), 100),
        keep_dead=Retention(timedelta(days=7), 10_000),
        promise_seconds=1800.0,
        replay_with=RETRY_COMMAND,
    )
    return TaskQueue(policy)


def render_task(job_id: str, sku: str, priority: Priority = Priority.NORMAL) -> NewTask:
    """The queue's task for a job."""
    return NewTask(job_id, grouping=sku, priority=priority)
