"""Every statement on preview jobs and their counts.

Reading and writing rows, over the caller's connection. Keep out: what may follow from them (`submission`, `handler`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.previews.jobs.states import Counted, ErrorType, JobState
from orchestration.previews.tables import preview_count, preview_job

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime, timedelta

    from orchestration.previews.payload.model import PreviewJob

_ACTIVE = (JobState.QUEUED, JobState.RUNNING)
_POSTER = '$.files[*] ? (@.mime starts with "image/")'


_CANCELLED_IN_QUEUE = sa.text("""
SELECT job_id FROM preview_job AS j
WHERE finished_at IS NULL
    AND EXISTS (SELECT FROM task AS t WHERE t.queue = :queue AND t.key = j.job_id AND t.state = 'cancelled')
    AND NOT EXISTS (
        SELECT FROM task AS t WHERE t.queue = :queue AND t.key = j.job_id AND t.state NOT IN ('completed', 'cancelled'))
ORDER BY job_id FOR UPDATE OF j SKIP LOCKED""")


class JobRow(NamedTuple):
    """A job as it is remembered; the columns of its table, in their order."""

    job_id: str
    project_id: str
    request_id: str
    payload: dict[str, Any]
    priority: str
    dry_run: bool
    state: JobState
    attempt: int
    stage: str | None
    percent: float
    eta_seconds: float | None
    result: dict[str, Any] | None
    error: str | None
    error_type: ErrorType | None
    faults: list[dict[str, str]] | None
    first_failed_at: datetime | None
    renders: int
    notices: int
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Failure(NamedTuple):
    """Why an attempt failed; `is_final` when there is no other."""

    error: str
    error_type: ErrorType
    is_final: bool
    faults: list[dict[str, str]] | None = None


def find_job(connection: sa.Connection, job_id: str, *, lock: bool = False) -> JobRow | None:
    """The job of that id, or None; with `lock`, nobody else changes it until the caller's transaction ends."""
    query = sa.select(preview_job).where(preview_job.c.job_id == job_id)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return None if row is None else _row(row)


def find_jobs(connection: sa.Connection, job_ids: Collection[str]) -> dict[str, JobRow]:
    """Those of these jobs that there are, by id."""
    query = sa.select(preview_job).where(preview_job.c.job_id.in_(job_ids))
    return {row["job_id"]: _row(row) for row in connection.execute(query).mappings()}


def list_jobs(connection: sa.Connection, state: JobState | None, limit: int) -> list[JobRow]:
    """The newest jobs, of one state or of all."""
    query = sa.select(preview_job).order_by(preview_job.c.created_at.desc()).limit(limit)
    if state is not None:
        query = query.where(preview_job.c.state == state)
    return [_row(row) for row in connection.execute(query).mappings()]


def jobs_cancelled_in_queue(connection: sa.Connection, queue: str) -> list[JobRow]:
    """The jobs that have not ended though their task was cancelled, as by the queue's own command; locked."""
    job_ids = connection.execute(_CANCELLED_IN_QUEUE, {"queue": queue}).scalars().all()
    return list(find_jobs(connection, job_ids).values()) if job_ids else []


class JobSummary(NamedTuple):
    """A job in a list, without its payload and result. `poster_key` is the picture that stands for its film."""

    job_id: str
    project_id: str
    request_id: str
    state: str
    priority: str
    dry_run: bool
    percent: float
    stage: str | None
    error: str | None
    attempt: int
    created_at: datetime
    finished_at: datetime | None
    poster_key: str | None


def job_summaries(
    connection: sa.Connection,
    *,
    state: str | None = None,
    project_id: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int = 100,
) -> list[JobSummary]:
    """The newest jobs first; `after` is the creation, in ISO 8601, and the id of the last one before."""
    posters = sa.func.jsonb_path_query_first(preview_job.c.result, sa.cast(_POSTER, pg.JSONPATH))
    names = JobSummary._fields[:-1]
    query = sa.select(*(preview_job.c[name] for name in names), posters.op("->>")("key"))
    if state is not None:
        query = query.where(preview_job.c.state == state)
    if project_id is not None:
        query = query.where(preview_job.c.project_id == project_id)
    if after is not None:
        begin = sa.tuple_(sa.cast(after[0], sa.DateTime(timezone=True)), sa.literal(after[1]))
        query = query.where(sa.tuple_(preview_job.c.created_at, preview_job.c.job_id) < begin)
    query = query.order_by(preview_job.c.created_at.desc(), preview_job.c.job_id.desc()).limit(limit)
    return [JobSummary(*row) for row in connection.execute(query)]


def _row(row: sa.RowMapping) -> JobRow:
    kind = row["error_type"]
    return JobRow(**{**row, "state": JobState(row["state"]), "error_type": ErrorType(kind) if kind else None})


def insert_jobs(connection: sa.Connection, jobs: Sequence[tuple[PreviewJob, dict[str, Any]]]) -> dict[str, JobRow]:
    """Insert queued jobs with their documents, but for ids that there are; the new ones by id.

    The first of one id is taken, and a transaction that inserts it meanwhile is waited for.
    """
    values = [
        {
            "job_id": job.job_id,
            "project_id": job.project_id,
            "request_id": job.request_id,
            "payload": document,
            "priority": job.priority,
            "dry_run": job.dry_run,
        }
        # All callers in one order, so that none waits for another in a circle.
        for job, document in sorted(jobs, key=lambda one: one[0].job_id)
    ]
    statement = pg.insert(preview_job).values(values).on_conflict_do_nothing(index_elements=["job_id"])
    rows = connection.execute(statement.returning(preview_job)).mappings()
    return {row["job_id"]: _row(row) for row in rows}


def begin_job(connection: sa.Connection, job_id: str, attempt: int, now: datetime) -> JobRow | None:
    """Set a job to running, one that failed before too; None when it ended otherwise or is forgotten."""
    row = find_job(connection, job_id, lock=True)
    if row is None or row.state in (JobState.COMPLETED, JobState.CANCELLED):
        return None
    started = row.started_at or now
    changed = {"state": JobState.RUNNING, "attempt": attempt, "started_at": started, "finished_at": None}
    _update(connection, job_id, now, **changed)
    return row._replace(state=JobState.RUNNING, attempt=attempt, started_at=started)


def progress_job(connection: sa.Connection, job_id: str, stage: str, percent: float, eta_seconds: float | None) -> None:
    """Note how far a running job is; its percent never falls. A locked row is passed over."""
    free = sa.select(preview_job.c.job_id).where(preview_job.c.job_id == job_id, preview_job.c.state == "running")
    connection.execute(
        sa.update(preview_job)
        .where(preview_job.c.job_id.in_(free.with_for_update(skip_locked=True)))
        .values(
            stage=stage,
            percent=sa.func.greatest(preview_job.c.percent, min(100.0, percent)),
            eta_seconds=eta_seconds,
            updated_at=sa.func.now(),
        )
    )


def complete_job(connection: sa.Connection, job_id: str, result: dict[str, Any], now: datetime) -> None:
    """Note that a job is done, with what came of it."""
    _update(
        connection, job_id, now,
        state=JobState.COMPLETED, result=result, percent=100.0, stage=None, eta_seconds=None, finished_at=now,
        error=None, error_type=None, faults=None, renders=preview_job.c.renders + 1,
    )  # fmt: skip


def fail_job(connection: sa.Connection, job_id: str, failure: Failure, now: datetime) -> None:
    """Note why an attempt failed; a final failure ends the job, another one queues it again."""
    ended: dict[str, Any] = (
        {"state": JobState.FAILED, "finished_at": now} if failure.is_final else {"state": JobState.QUEUED}
    )
    _update(
        connection, job_id, now,
        **ended, error=failure.error, error_type=failure.error_type, faults=failure.faults,
        first_failed_at=sa.func.coalesce(preview_job.c.first_failed_at, now), stage=None, eta_seconds=None,
    )  # fmt: skip


def cancel_job(connection: sa.Connection, job_id: str, now: datetime) -> None:
    """Note that a job was cancelled."""
    _update(connection, job_id, now, state=JobState.CANCELLED, finished_at=now, stage=None, eta_seconds=None)


def requeue_job(connection: sa.Connection, job_id: str, now: datetime) -> None:
    """Note that an attempt that was interrupted waits for another."""
    _update(connection, job_id, now, state=JobState.QUEUED, stage=None, eta_seconds=None)


def next_notice(connection: sa.Connection, job_id: str) -> int:
    """The number of the job's next notice, from 1."""
    statement = (
        sa.update(preview_job)
        .where(preview_job.c.job_id == job_id)
        .values(notices=preview_job.c.notices + 1)
        .returning(preview_job.c.notices)
    )
    return int(connection.execute(statement).scalar_one())


def _update(connection: sa.Connection, job_id: str, now: datetime, **values: Any) -> None:  # noqa: ANN401 - columns
    """Change a job that has not ended, or that failed."""
    states = (*_ACTIVE, JobState.FAILED)
    connection.execute(
        sa.update(preview_job)
        .where(preview_job.c.job_id == job_id, preview_job.c.state.in_(states))
        .values(**values, updated_at=now)
    )


def forget_jobs(connection: sa.Connection, *, now: datetime, keep: timedelta) -> int:
    """Delete jobs that ended longer ago than `keep`; how many."""
    old = sa.delete(preview_job).where(preview_job.c.finished_at < now - keep)
    return connection.execute(old).rowcount


def count(connection: sa.Connection, outcome: Counted, more: int = 1) -> None:
    """Count one more, or several."""
    statement = pg.insert(preview_count).values(outcome=outcome, total=more)
    raised = {"total": preview_count.c.total + more}
    connection.execute(statement.on_conflict_do_update(index_elements=["outcome"], set_=raised))


def counts(connection: sa.Connection) -> dict[str, int]:
    """How often each outcome was counted."""
    found = dict(connection.execute(sa.select(preview_count.c.outcome, preview_count.c.total)).tuples().all())
    return {outcome.value: found.get(outcome.value, 0) for outcome in Counted}
