"""Writing render jobs: every change of one goes through `change_job`.

A job is locked before it is judged, so of two that move it the second sees where the first has moved it. Keep out:
reading (`rows`), and what a change means to the queue (`handler`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa
from msgspec import UNSET
from ulid import LaxMonotonicPolicy, ULIDGenerator

from orchestration.errors import ConflictError, InvalidInputError, NotFoundError
from orchestration.mockups.jobs import validation
from orchestration.mockups.jobs.model import PROGRESS, JobChange, JobResults, NewJob, StoredOutput
from orchestration.mockups.jobs.rows import RESULTS
from orchestration.mockups.presets import parse_preset
from orchestration.mockups.statuses import PERCENT, JobStatus
from orchestration.mockups.tables import render_job, render_output
from orchestration.storage import bulk

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

ID_PREFIX = "rjob_"
FULL = 100.0
_INPUTS = ("variant_id", "design_file_url", "design_key", "preset", "template_id", "options")
_NEW = ("id", *(field.name for field in msgspec.structs.fields(NewJob)), "created_at", "updated_at")
# Every column of an output but those that the table fills in.
_OUTPUT = ("job_id", *(field.name for field in msgspec.structs.fields(StoredOutput)))
_ulids = ULIDGenerator(policy=LaxMonotonicPolicy())

_KEYS = sa.text("""
SELECT object_key FROM render_output WHERE job_id = ANY (CAST(:ids AS text[])) AND object_key IS NOT NULL
UNION SELECT design_key FROM render_job WHERE id = ANY (CAST(:ids AS text[])) AND design_key IS NOT NULL
UNION SELECT print ->> 'design_key' FROM render_job, jsonb_array_elements(options -> 'further_prints') AS print
WHERE id = ANY (CAST(:ids AS text[])) AND print ->> 'design_key' IS NOT NULL""")
_UNUSED = sa.text("""
SELECT key FROM unnest(CAST(:keys AS text[])) AS key
WHERE NOT EXISTS (SELECT FROM render_output WHERE object_key = key)
    AND NOT EXISTS (SELECT FROM render_job WHERE design_key = key)
    AND NOT EXISTS (SELECT FROM render_job WHERE options -> 'further_prints' @>
        jsonb_build_array(jsonb_build_object('design_key', key)))""")


class JobNotFoundError(NotFoundError):
    """There is no such render job, or it is deleted, or it has ended for those who want to go on with it."""

    code = "JOB_NOT_FOUND"


def insert_jobs(connection: sa.Connection, jobs: Sequence[NewJob], now: datetime) -> list[str]:
    """Create pending jobs, all or none; returns their ids, which rise in the order of the jobs."""
    for job in jobs:
        validation.check_new(job)
    rows = [
        {**msgspec.structs.asdict(job), "id": new_id(now), "metadata": job.metadata or {}, **_created(now)}
        for job in jobs
    ]
    bulk.insert(connection, render_job, rows, columns=_NEW)
    return [row["id"] for row in rows]


def new_id(now: datetime) -> str:
    """The id of a job that is created now; later ones of this process are greater."""
    return f"{ID_PREFIX}{_ulids.generate(now)}"


def change_job(connection: sa.Connection, change: JobChange, results: JobResults, now: datetime) -> bool:
    """Apply a change to a job; whether anything was written. It is locked until the transaction ends.

    Raises `NotFoundError` for an id that does not exist or is deleted, `ConflictError` for a step out of a state that
    is final or another input of a job that has begun, and `InvalidInputError` for other illegal steps and values.
    """
    row = lock_job(connection, change.id)
    former = JobStatus(row.status)
    wanted = former if change.status is UNSET else change.status
    validation.check_step(change.id, former, wanted)
    is_repeated = change.status is not UNSET and wanted is former
    if is_repeated and former.is_terminal:
        return False
    values = _values(row, change, wanted, now)
    if values:
        statement = sa.update(render_job).where(render_job.c.id == change.id)
        connection.execute(statement.values(**values, updated_at=now))
    return set_results(connection, change.id, results) or bool(values)


def lock_job(connection: sa.Connection, job_id: str) -> sa.Row[Any]:
    """The job's row, locked; raises `JobNotFoundError` when it does not exist or is deleted."""
    query = sa.select(render_job).where(render_job.c.id == job_id, render_job.c.deleted_at.is_(None))
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None:
        raise unknown(job_id)
    return row


def unknown(job_id: str) -> JobNotFoundError:
    """The error of an id that no job has."""
    return JobNotFoundError(f"There is no render job {job_id}; `orchestration mockups list` shows those there are")


def set_results(connection: sa.Connection, job_id: str, results: JobResults) -> bool:
    """Write the addresses of results that were made elsewhere; whether there were any."""
    given = {name: url for name, url in msgspec.structs.asdict(results).items() if url is not UNSET}
    for name, url in given.items():
        kind, angle = RESULTS[name]
        own = (render_output.c.job_id == job_id, render_output.c.kind == kind, render_output.c.angle == angle)
        connection.execute(sa.delete(render_output).where(*own))
        if url is not None:
            validation.check_url(name, url)
            made = sa.insert(render_output).values(job_id=job_id, kind=kind, angle=angle, url=url)
            connection.execute(made)
    return bool(given)


def save_outputs(connection: sa.Connection, job_id: str, outputs: Sequence[StoredOutput]) -> None:
    """Write the stored outputs of a job; one of the same kind and angle takes over."""
    rows = [{"job_id": job_id, **msgspec.structs.asdict(one)} for one in outputs]
    bulk.upsert(connection, render_output, rows, columns=_OUTPUT)


def mark_deleted(connection: sa.Connection, job_ids: Collection[str], at: datetime | None, now: datetime) -> int:
    """Mark jobs as deleted at a time, or with None as there again; how many that changes."""
    is_deleted = render_job.c.deleted_at.is_not(None)
    statement = sa.update(render_job).where(render_job.c.id.in_(job_ids), ~is_deleted if at else is_deleted)
    return connection.execute(statement.values(deleted_at=at, updated_at=now)).rowcount


def mark_old_failures_deleted(connection: sa.Connection, before: datetime, now: datetime) -> int:
    """Mark the jobs that failed before a time as deleted, in one statement; how many."""
    old = (
        render_job.c.deleted_at.is_(None),
        render_job.c.status == JobStatus.FAILED,
        render_job.c.completed_at < before,
    )
    return connection.execute(sa.update(render_job).where(*old).values(deleted_at=now, updated_at=now)).rowcount


def remove_jobs(connection: sa.Connection, job_ids: Collection[str]) -> list[str]:
    """Remove jobs for good, with their outputs; returns the keys of objects that no job refers to any more."""
    ids = {"ids": list(job_ids)}
    keys = list(connection.execute(_KEYS, ids).scalars())
    connection.execute(sa.delete(render_job).where(render_job.c.id.in_(job_ids)))
    return unused_keys(connection, keys)


def unused_keys(connection: sa.Connection, keys: Collection[str]) -> list[str]:
    """Those of the objects' keys that no job refers to."""
    return list(connection.execute(_UNUSED, {"keys": list(keys)}).scalars()) if keys else []


def _created(now: datetime) -> dict[str, datetime]:
    return {"created_at": now, "updated_at": now}


def _values(row: sa.Row[Any], change: JobChange, wanted: JobStatus, now: datetime) -> dict[str, Any]:
    """The columns that the change writes."""
    given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
    del given["id"]
    given.pop("status", None)
    _check_inputs(row, given)
    if isinstance(options := given.get("options"), msgspec.Struct):
        given["options"] = msgspec.to_builtins(options)
    metadata = given.pop("metadata", None)
    if metadata:
        validation.check_document("metadata", metadata)
        given["metadata"] = {**row.metadata, **metadata}
    progress = _progress(row, wanted, metadata or {})
    if progress != row.progress:
        given["progress"] = progress
    return given | _step(row, change, wanted, now)


def _check_inputs(row: sa.Row[Any], given: Mapping[str, Any]) -> None:
    changed = [name for name in _INPUTS if name in given]
    if changed and row.status != JobStatus.PENDING:
        raise ConflictError(
            f"{row.id} is {row.status}: its {changed[0]} cannot be changed any more; retry it or submit another job"
        )
    if (preset := given.get("preset")) is not None:
        parse_preset(preset)
    if (variant := given.get("variant_id")) is not None:
        validation.check_name("variant_id", variant)
    if (url := given.get("design_file_url")) is not None:
        validation.check_url("design_file_url", url)
    if (message := given.get("error_message")) is not None:
        validation.check_document("error_message", message)


def _progress(row: sa.Row[Any], wanted: JobStatus, metadata: Mapping[str, Any]) -> float:
    """The percentage after the change: that of the state or more, never less than before while the job is active."""
    asked = metadata.get(PROGRESS)
    if asked is not None and (isinstance(asked, bool) or not isinstance(asked, int | float) or not 0 <= asked <= FULL):
        raise InvalidInputError(f"metadata.progress is {asked!r}; give a percentage from 0 to 100")
    if wanted.is_terminal:
        return PERCENT[wanted]
    return max(float(row.progress), PERCENT[wanted], float(asked or 0.0))


def _step(row: sa.Row[Any], change: JobChange, wanted: JobStatus, now: datetime) -> dict[str, Any]:
    """The status, if it changes, with the times that belong to it; times that were given win."""
    ends = change.completed_at is not UNSET
    if ends and not wanted.is_terminal:
        raise InvalidInputError(f"{row.id} is {wanted.value}; only a job that has ended has a completed_at")
    if wanted == row.status:
        return {}
    step: dict[str, Any] = {"status": wanted}
    if wanted is JobStatus.COMPOSITING and row.started_at is None and change.started_at is UNSET:
        step["started_at"] = now
    if wanted.is_terminal and not ends:
        step["completed_at"] = now
    return step
