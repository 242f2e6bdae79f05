"""The service of render jobs: everything that may be done to them, over one transaction of the caller.

So several steps happen together or not at all:

    with mockups.render_jobs() as jobs:
        job = jobs.create(NewJob("A1-1000", "chest-medium"))
        jobs.update_status(job.id, JobStatus.COMPOSITING)

Errors are `NotFoundError` for an id that does not exist, `InvalidInputError` for bad values and illegal steps, and
`ConflictError` for a job that has ended. Keep out: statements (`rows`, `records`), and the queue (`submission`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from orchestration.errors import InvalidInputError
from orchestration.mockups.jobs import records, rows
from orchestration.mockups.jobs.model import (
    OVERRIDES,
    RECENT_HOURS,
    RECENT_LIMIT,
    RETRIED_FROM,
    RETRY_COUNT,
    JobChange,
    JobFilters,
    JobPage,
    JobResults,
    JobStats,
    NewJob,
    Order,
    RenderJob,
    RetryOverrides,
    StatusUpdate,
)
from orchestration.mockups.statuses import ACTIVE, JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    import sqlalchemy as sa

    from orchestration.mockups.jobs.rows import Sign

# Names in the metadata that tell how a job went, and do not go over to one that is made of it.
_OWN = ("workflow_started_at", "workflow_completed_at", "workflow_input", "media_ids", "reused_from", "progress")

_ALL, _NOTHING_MORE, _AS_BEFORE = JobFilters(), StatusUpdate(), RetryOverrides()


class JobNotFailedError(InvalidInputError):
    """Only a job that has failed can be retried."""

    code = "JOB_NOT_FAILED"


class RenderJobs:
    """The render jobs, in one transaction. `sign` makes the address of a stored object, `clock` gives the time."""

    def __init__(self, connection: sa.Connection, sign: Sign, clock: Callable[[], datetime]) -> None:
        self._connection = connection
        self._sign = sign
        self._clock = clock

    def create(self, job: NewJob) -> RenderJob:
        """Create a pending job."""
        return self.create_many([job])[0]

    def create_many(self, jobs: Sequence[NewJob]) -> list[RenderJob]:
        """Create pending jobs, all or none; in their order."""
        ids = records.insert_jobs(self._connection, jobs, self._clock())
        return [self.retrieve(job_id) for job_id in ids]

    def get(self, job_id: str) -> RenderJob | None:
        """The job; None when there is none, or it is deleted."""
        return rows.select_job(self._connection, job_id, self._sign)

    def retrieve(self, job_id: str) -> RenderJob:
        """The job; raises `NotFoundError`."""
        job = self.get(job_id)
        if job is None:
            raise records.unknown(job_id)
        return job

    def update(self, changes: Sequence[JobChange]) -> list[RenderJob]:
        """Change jobs, all or none; a status among the changes is a step like any other."""
        for change in changes:
            records.change_job(self._connection, change, JobResults(), self._clock())
        return [self.retrieve(change.id) for change in changes]

    def update_status(self, job_id: str, status: JobStatus, update: StatusUpdate = _NOTHING_MORE) -> RenderJob:
        """Move a job on, with what comes with the step. The state that it has changes nothing but what is given."""
        values = {name: getattr(update, name) for name in ("error_message", "metadata", "started_at", "completed_at")}
        records.change_job(self._connection, JobChange(job_id, status=status, **values), update.results, self._clock())
        return self.retrieve(job_id)

    def update_results(self, job_id: str, results: JobResults) -> RenderJob:
        """Set or take away the addresses of a job's results."""
        records.lock_job(self._connection, job_id)
        records.set_results(self._connection, job_id, results)
        return self.retrieve(job_id)

    def delete(self, job_id: str) -> None:
        """Mark a job as deleted; it is kept for the history, and can be restored. Raises `NotFoundError`."""
        self.retrieve(job_id)
        self.soft_delete([job_id])

    def soft_delete(self, job_ids: Collection[str]) -> int:
        """Mark jobs as deleted now; how many were there."""
        now = self._clock()
        return records.mark_deleted(self._connection, job_ids, now, now)

    def delete_many(self, job_ids: Collection[str]) -> list[str]:
        """Remove jobs for good, with their outputs' rows; returns the keys of objects that no job has any more.

        Let `Mockups.hard_delete` do it: it removes these objects too.
        """
        return records.remove_jobs(self._connection, job_ids)

    def restore(self, job_ids: Collection[str]) -> int:
        """Take back the deletion of jobs that were not removed for good; how many that were."""
        return records.mark_deleted(self._connection, job_ids, None, self._clock())

    def list_jobs(self, filters: JobFilters = _ALL) -> list[RenderJob]:
        """A page of jobs, by default the newest 50."""
        return rows.select_jobs(self._connection, filters, self._sign)

    def list_and_count(self, filters: JobFilters = _ALL) -> tuple[list[RenderJob], int]:
        """A page of jobs, and how many there are on all pages."""
        return self.list_jobs(filters), rows.count_jobs(self._connection, filters)

    def list_with_count(self, filters: JobFilters = _ALL) -> JobPage:
        """A page of jobs that knows its place among the others."""
        jobs, total = self.list_and_count(filters)
        return JobPage(jobs, total, filters.limit, filters.offset)

    def list_by_product(self, product_id: str, filters: JobFilters = _ALL) -> list[RenderJob]:
        """A page of a product's jobs, further filtered."""
        return self.list_jobs(replace(filters, product_id=product_id))

    def by_product(self, product_id: str) -> list[RenderJob]:
        """All jobs of a product, newest first."""
        return self.list_jobs(JobFilters(product_id=product_id, limit=None))

    def by_status(self, status: JobStatus, limit: int | None = None) -> list[RenderJob]:
        """The jobs in a state, oldest first."""
        return self.list_jobs(JobFilters(status=status, limit=limit, order=Order.ASC))

    def active(self) -> list[RenderJob]:
        """The jobs that have not ended, oldest first."""
        return self.list_jobs(JobFilters(status=ACTIVE, limit=None, order=Order.ASC))

    def recent(self, hours: float = RECENT_HOURS, limit: int = RECENT_LIMIT) -> list[RenderJob]:
        """The jobs that were created within so many hours, newest first."""
        if hours <= 0 or limit < 0:
            raise InvalidInputError(f"hours is {hours} and limit {limit}; give more than 0 hours and no negative limit")
        since = self._clock() - timedelta(hours=hours)
        return rows.select_recent(self._connection, since, limit, self._sign)

    def has_active(self, product_id: str) -> bool:
        """Whether a product has a job that has not ended; reads one row."""
        return rows.has_jobs(self._connection, JobFilters(product_id=product_id, status=ACTIVE))

    def stats(self, product_id: str | None = None) -> JobStats:
        """How many jobs of a product, or of all, are in each state."""
        return rows.job_stats(self._connection, product_id)

    def retry(self, job_id: str, overrides: RetryOverrides = _AS_BEFORE) -> RenderJob:
        """A new job with what a failed one was asked for, but for `overrides`; the failed one stays as it is.

        Raises `JobNotFailedError` for a job that has not failed.
        """
        former = self.retrieve(job_id)
        if former.status is not JobStatus.FAILED:
            raise JobNotFailedError(f"{job_id} is {former.status.value}; only a job that has failed can be retried")
        changed: dict[str, Any] = msgspec.to_builtins(overrides)
        record: dict[str, Any] = {RETRIED_FROM: job_id, RETRY_COUNT: former.retry_count + 1}
        if changed:
            record[OVERRIDES] = dict(changed)
        preset = changed.pop("preset", former.preset)
        options = msgspec.structs.replace(former.options, **changed)
        return self.create(copy_of(former, record, preset=preset, options=options))

    def clean_up(self, older_than_days: float) -> int:
        """Mark jobs as deleted that failed more than so many days ago; how many. Their history stays."""
        if not older_than_days > 0:
            raise InvalidInputError(f"older_than_days is {older_than_days}; give more than 0")
        now = self._clock()
        return records.mark_old_failures_deleted(self._connection, now - timedelta(days=older_than_days), now)


def copy_of(job: RenderJob, record: dict[str, Any], **changed: Any) -> NewJob:  # noqa: ANN401 - fields of NewJob
    """A new job with what `job` was asked for, but for what is `changed`; `record` goes into its metadata."""
    metadata = {name: value for name, value in job.metadata.items() if name not in _OWN} | record
    same = {field: getattr(job, field) for field in NewJob.__struct_fields__ if field != "metadata"}
    if job.design_key is not None:
        same["design_file_url"] = None  # the address of the stored design, which ends
    return NewJob(**{**same, **changed, "metadata": metadata})
