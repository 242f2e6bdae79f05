"""Taking jobs in, each once, and cancelling them.

What is one job and what another. Keep out: rendering (`handler`), statements (`rows`), and HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from orchestration.errors import ConflictError, NotFoundError
from orchestration.previews.jobs.notices import notify
from orchestration.previews.jobs.rows import JobRow, cancel_job, count, find_job, insert_job
from orchestration.previews.jobs.states import Counted, JobState
from orchestration.previews.payload.schema import json_path
from orchestration.previews.queues import preview_task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import sqlalchemy as sa

    from orchestration.notifications.outbox import Outbox
    from orchestration.previews.payload.model import PreviewJob
    from orchestration.previews.payload.schema import Path
    from orchestration.work_queue.queue import TaskQueue

TRANSIENT_FIELDS = frozenset({"requestId", "createdAt", "updatedAt", "attempts"})
"""What may differ between two payloads of one job."""
LISTED_DIFFERENCES = 20


class Submitted(NamedTuple):
    """A job that was taken in now, or the one that was there."""

    job: JobRow
    is_new: bool


class JobConflictError(ConflictError):
    """Another payload was sent under the id before; `fields` are the paths in which they differ."""

    def __init__(self, job_id: str, fields: tuple[str, ...]) -> None:
        listed = ", ".join(fields)
        super().__init__(f"Another payload was sent under the jobId {job_id}: they differ in {listed}; use another id")
        self.job_id = job_id
        self.fields = fields

    def __reduce__(self) -> tuple[type[JobConflictError], tuple[str, tuple[str, ...]]]:
        """Come whole from one process to another."""
        return JobConflictError, (self.job_id, self.fields)


def submit(connection: sa.Connection, queue: TaskQueue, job: PreviewJob, document: dict[str, Any]) -> Submitted:
    """Take a job in and queue it, unless it was taken in before; whatever happened to it, it is not rendered twice.

    Raises `JobConflictError`, and `QueueFullError` with a wait; nothing is taken in then.
    """
    is_new = insert_job(connection, job, document)
    row = find_job(connection, job.job_id)
    if row is None:
        raise NotFoundError(f"The job {job.job_id} came and went; send it again")
    if is_new:
        queue.enqueue_once(connection, preview_task(job))
        return Submitted(row, is_new=True)
    differing = list(_differences(_identity(row.payload), _identity(document), ()))
    if differing:
        raise JobConflictError(job.job_id, tuple(map(json_path, differing[:LISTED_DIFFERENCES])))
    count(connection, Counted.REPEATED)
    return Submitted(row, is_new=False)


def _identity(document: dict[str, Any]) -> dict[str, Any]:
    """What makes the job the one that it is."""
    return {"priority": "normal"} | {name: part for name, part in document.items() if name not in TRANSIENT_FIELDS}


def _differences(before: Any, after: Any, path: Path) -> Iterator[Path]:  # noqa: ANN401 - as JSON
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            yield from _differences(before.get(name), after.get(name), (*path, name))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differences(old, new, (*path, index))
    elif before != after or isinstance(before, bool) != isinstance(after, bool):
        yield path


def cancel(connection: sa.Connection, queue: TaskQueue, outbox: Outbox, job_id: str, now: datetime) -> JobRow:
    """Cancel a job: one that waits at once, one that is rendered within moments. One that ended stays as it is.

    Raises `NotFoundError`.
    """
    row = find_job(connection, job_id)
    if row is None:
        raise NotFoundError(f"There is no preview job {job_id}")
    if row.state.is_final:
        return row
    # The task first, as its worker locks them too.
    reached = queue.request_cancel(connection, job_id)
    if reached is None or reached.value == JobState.CANCELLED.value:
        cancel_job(connection, job_id, now)
        count(connection, Counted.CANCELLED)
        notify(connection, outbox, row, JobState.CANCELLED)
    return find_job(connection, job_id) or row
