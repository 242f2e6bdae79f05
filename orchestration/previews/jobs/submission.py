"""Taking jobs in, each once, and cancelling them.

What is one job and what another. Keep out: rendering (`handler`), statements (`rows`), and HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from orchestration.errors import ConflictError, NotFoundError, TransientError
from orchestration.previews.jobs.notices import notify
from orchestration.previews.jobs.rows import (
    JobRow,
    cancel_job,
    count,
    find_job,
    find_jobs,
    insert_jobs,
    jobs_cancelled_in_queue,
)
from orchestration.previews.jobs.states import Counted, JobState
from orchestration.previews.payload.schema import json_path
from orchestration.previews.queues import preview_task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

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


def submit_all(
    connection: sa.Connection, queue: TaskQueue, jobs: Sequence[tuple[PreviewJob, dict[str, Any]]]
) -> list[Submitted | JobConflictError | TransientError]:
    """Take jobs in with their documents, and queue those that were not taken in before; none is ever rendered twice.

    The answer to each, in their order. Raises `QueueFullError` with a wait; nothing is taken in then.
    """
    new = insert_jobs(connection, jobs)
    arrived = {job.job_id: job for job, _ in jobs if job.job_id in new}
    queue.enqueue(connection, list(map(preview_task, arrived.values())))
    known = {job.job_id for job, _ in jobs} - new.keys()
    present = new | (find_jobs(connection, known) if known else {})
    answers: list[Submitted | JobConflictError | TransientError] = []
    for job, document in jobs:
        # The first of its id is the one that was inserted.
        is_new = arrived.pop(job.job_id, None) is not None
        answers.append(
            Submitted(new[job.job_id], is_new=True) if is_new else _repeated(present.get(job.job_id), job, document)
        )
    if repeats := sum(isinstance(answer, Submitted) and not answer.is_new for answer in answers):
        count(connection, Counted.REPEATED, repeats)
    return answers


def _repeated(
    row: JobRow | None, job: PreviewJob, document: dict[str, Any]
) -> Submitted | JobConflictError | TransientError:
    if row is None:
        return TransientError(f"The job {job.job_id} came and went; send it again")
    differing = list(_differences(_identity(row.payload), _identity(document), ()))
    if differing:
        return JobConflictError(job.job_id, tuple(map(json_path, differing[:LISTED_DIFFERENCES])))
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
        _end_cancelled(connection, outbox, row, now)
    return find_job(connection, job_id) or row


def end_jobs_cancelled_in_queue(connection: sa.Connection, queue: TaskQueue, outbox: Outbox, now: datetime) -> int:
    """End the jobs whose waiting tasks somebody has cancelled as tasks of the queue; how many.

    Raises `LockTimeoutError` when a row stays locked for a second.
    """
    connection.execute(_LIMIT_LOCKS)
    found = jobs_cancelled_in_queue(connection, queue.name)
    for row in found:
        _end_cancelled(connection, outbox, row, now)
    return len(found)


_LIMIT_LOCKS = sa.text("SET LOCAL lock_timeout = '1s'")


def _end_cancelled(connection: sa.Connection, outbox: Outbox, row: JobRow, now: datetime) -> None:
    cancel_job(connection, row.job_id, now)
    count(connection, Counted.CANCELLED)
    notify(connection, outbox, row, JobState.CANCELLED)
