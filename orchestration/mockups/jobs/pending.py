"""Which render jobs are due, and the repair of what an accident left behind.

The rows are the truth and the queue follows them. Keep out: submitting (`submission`), and the rendering (`handler`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.mockups.jobs.model import JobChange, JobResults
from orchestration.mockups.jobs.records import change_job
from orchestration.mockups.queues import render_task
from orchestration.mockups.statuses import JobStatus

if TYPE_CHECKING:
    from datetime import datetime

    from orchestration.work_queue.queue import TaskQueue

CANCELLED = "Cancelled on request"

# A job that has begun and is in no queue lost its task, as when finished tasks were pruned; it goes on where it was.
_DUE = sa.text("""
SELECT j.id, j.sku FROM render_job AS j
WHERE j.deleted_at IS NULL AND j.status IN ('pending', 'compositing', 'rendering')
    AND (j.design_key IS NOT NULL OR j.design_file_url IS NOT NULL OR j.options ->> 'text' IS NOT NULL)
    AND NOT EXISTS (SELECT FROM task AS t WHERE t.queue = :queue AND t.key = j.id AND t.state <> 'completed')
ORDER BY j.created_at, j.id""")

# A dead task's job is written with its last attempt; one whose worker died with it, or that was cancelled, is not.
_ENDED = sa.text("""
SELECT j.id, t.state, t.error FROM render_job AS j JOIN task AS t ON t.queue = :queue AND t.key = j.id
WHERE j.deleted_at IS NULL AND j.status IN ('pending', 'compositing', 'rendering') AND t.state IN ('dead', 'cancelled')
ORDER BY j.id FOR UPDATE OF j SKIP LOCKED""")


def queue_due_jobs(connection: sa.Connection, queue: TaskQueue) -> int:
    """Queue every job that has a design and has not ended, unless it is queued; how many that were."""
    due = [render_task(job_id, sku) for job_id, sku in connection.execute(_DUE, {"queue": queue.name})]
    queue.enqueue(connection, due)
    return len(due)


def fail_ended_jobs(connection: sa.Connection, queue: TaskQueue, now: datetime) -> int:
    """Mark the jobs as failed whose task is dead or cancelled; how many."""
    ended = connection.execute(_ENDED, {"queue": queue.name}).all()
    for job_id, state, error in ended:
        fail_job(connection, job_id, CANCELLED if state == "cancelled" else error or "The attempt failed", now)
    return len(ended)


def fail_job(connection: sa.Connection, job_id: str, reason: str, now: datetime) -> None:
    """End a job as failed, and say why."""
    change_job(
        connection, JobChange(job_id, status=JobStatus.FAILED, error_message=_storable(reason)), JobResults(), now
    )


def _storable(text: str) -> str:
    """The text without what PostgreSQL cannot store: NUL and lone surrogates."""
    return text.replace("\0", "\\x00").encode(errors="backslashreplace").decode()
