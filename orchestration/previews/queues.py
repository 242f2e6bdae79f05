"""The queue of preview jobs and its policy, from the settings; its tasks, and the lanes of its priorities.

Names, attempts, waits, limits. Keep out: what a task does.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from orchestration.work_queue.model import NewTask, Priority
from orchestration.work_queue.policy import Backoff, QueuePolicy, Retention, RetryPolicy
from orchestration.work_queue.queue import TaskQueue

if TYPE_CHECKING:
    from orchestration.previews.payload.model import PreviewJob
    from orchestration.settings import Settings

# A job of one level goes before one of the next that came up to so much later.
AGEING = timedelta(minutes=3)
RESERVED_SHARE = 0.1
PRIORITIES = {"low": Priority.LOW, "normal": Priority.NORMAL, "high": Priority.HIGH}


def preview_queue(settings: Settings) -> TaskQueue:
    """Preview jobs to render; the key is the job's id, the grouping its project.

    One priority alone may have `PREVIEW_QUEUE_MAX` waiting jobs. Beside them, each of the others has a tenth as many
    places that no other priority takes, so that none shuts another out.
    """
    reserved = max(1, round(settings.preview_queue_max * RESERVED_SHARE))
    shared = max(0, settings.preview_queue_max - reserved)
    most = shared + len(Priority) * reserved
    # Half a place more, so that no rounding takes one away.
    share = min(1 / len(Priority), (reserved + 0.5) / most)
    policy = QueuePolicy(
        settings.preview_queue_name,
        RetryPolicy(settings.preview_attempts, settings.preview_retry_seconds, Backoff.EXPONENTIAL),
        batch=1,
        keep_completed=Retention(timedelta(seconds=3600), 100),
        keep_dead=Retention(timedelta(seconds=86_400), 100),
        ageing=AGEING,
        most_waiting=most,
        reserved_shares=(share, share, share),
        promise_seconds=600.0,
    )
    return TaskQueue(policy)


def preview_task(job: PreviewJob) -> NewTask:
    """The task that renders a job; what is rendered stands in the job's row."""
    payload = {"requestId": job.request_id, "dryRun": job.dry_run}
    return NewTask(job.job_id, payload, grouping=job.project_id, priority=PRIORITIES[job.priority])
