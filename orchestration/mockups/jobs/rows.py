"""Reading render jobs: one query for a job with the addresses of its results, filtered and paged by the database.

Keep out: changing them (`records`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import sqlalchemy as sa

from orchestration.errors import InvalidInputError
from orchestration.mockups.jobs.model import (
    RETRIED_FROM,
    JobFilters,
    JobOptions,
    JobStats,
    Order,
    RenderJob,
    StoredOutput,
)
from orchestration.mockups.mockup_request import OutputKind
from orchestration.mockups.statuses import JobStatus
from orchestration.mockups.tables import render_job, render_output
from orchestration.mockups.views.angles import ANGLES
from orchestration.wire_types import prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    Sign = Callable[[str], str]

# Of so many jobs that have the same address, the outputs are looked at.
MOST_DONORS = 5
THUMBNAIL_ANGLE = ANGLES[0]
"""The view that stands for a product."""

_STORED = msgspec.structs.fields(StoredOutput)
_OUTPUT, _OPTIONS = prepared(StoredOutput), prepared(JobOptions)
RESULTS = {
    "composited_file_url": (OutputKind.COMPOSITE, ""),
    "rendered_image_url": (OutputKind.STILL, THUMBNAIL_ANGLE),
    "animation_url": (OutputKind.TURNTABLE, ""),
}
"""The output that each address of a job is that of: its kind and, of a still, its angle."""


def _result(name: str) -> sa.Label[str | None]:
    kind, angle = RESULTS[name]
    made = (
        sa.select(sa.func.coalesce(render_output.c.url, render_output.c.object_key))
        .where(render_output.c.job_id == render_job.c.id, render_output.c.kind == kind)
        # Of a job with two composites, the front's.
        .order_by(render_output.c.angle.desc())
        .limit(1)
    )
    return (made.where(render_output.c.angle == angle) if angle else made).scalar_subquery().label(name)


_COLUMNS = [*render_job.c, *map(_result, RESULTS)]
_NOT_DELETED = render_job.c.deleted_at.is_(None)


def select_jobs(connection: sa.Connection, filters: JobFilters, sign: Sign) -> list[RenderJob]:
    """A page of the jobs that the filters leave."""
    columns = (render_job.c.created_at, render_job.c.id)
    order = [column.desc() if filters.order is Order.DESC else column.asc() for column in columns]
    page = sa.select(render_job.c.id).where(*_conditions(filters)).order_by(*order)
    page = page.limit(filters.limit).offset(filters.offset)
    # The addresses of results are looked up for the page alone, not for what is passed over.
    chosen = page.subquery()
    query = sa.select(*_COLUMNS).join(chosen, chosen.c.id == render_job.c.id).order_by(*order)
    return [_job(row, sign) for row in connection.execute(query).mappings()]


class JobSummary(NamedTuple):
    """A job in a list, without its options and metadata. `picture_key` is the front's still, or the composite."""

    id: str
    sku: str
    preset: str
    status: str
    progress: float
    error_message: str | None
    retried_from: str | None
    created_at: datetime
    completed_at: datetime | None
    picture_key: str | None


def job_summaries(
    connection: sa.Connection,
    *,
    status: str | None = None,
    sku: str | None = None,
    product_id: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int = 100,
) -> list[JobSummary]:
    """The newest jobs first; `after` is the creation, in ISO 8601, and the id of the last one before."""
    pictured = (
        sa.select(render_output.c.object_key)
        .where(render_output.c.job_id == render_job.c.id, render_output.c.object_key.is_not(None))
        .where(render_output.c.kind.in_([OutputKind.COMPOSITE, OutputKind.STILL]))
        .order_by(render_output.c.kind != OutputKind.STILL, render_output.c.angle != THUMBNAIL_ANGLE)
        .limit(1)
        .scalar_subquery()
    )
    names = ("id", "sku", "preset", "status", "progress", "error_message")
    retried_from = render_job.c.metadata[RETRIED_FROM].astext
    query = sa.select(
        *(render_job.c[name] for name in names),
        retried_from,
        render_job.c.created_at,
        render_job.c.completed_at,
        pictured,
    ).where(_NOT_DELETED)
    for name, value in {"status": status, "sku": sku, "product_id": product_id}.items():
        if value is not None:
            query = query.where(render_job.c[name] == value)
    if after is not None:
        begin = sa.tuple_(sa.cast(after[0], sa.DateTime(timezone=True)), sa.literal(after[1]))
        query = query.where(sa.tuple_(render_job.c.created_at, render_job.c.id) < begin)
    query = query.order_by(render_job.c.created_at.desc(), render_job.c.id.desc()).limit(limit)
    return [JobSummary(*row) for row in connection.execute(query)]


def select_job(connection: sa.Connection, job_id: str, sign: Sign, *, with_deleted: bool = False) -> RenderJob | None:
    """One job; None when there is none."""
    query = sa.select(*_COLUMNS).where(render_job.c.id == job_id)
    row = connection.execute(query if with_deleted else query.where(_NOT_DELETED)).mappings().one_or_none()
    return None if row is None else _job(row, sign)


def select_recent(connection: sa.Connection, since: object, limit: int, sign: Sign) -> list[RenderJob]:
    """The newest jobs that were created at `since` or later."""
    query = sa.select(*_COLUMNS).where(_NOT_DELETED, render_job.c.created_at >= since)
    query = query.order_by(render_job.c.created_at.desc(), render_job.c.id.desc()).limit(limit)
    return [_job(row, sign) for row in connection.execute(query).mappings()]


def count_jobs(connection: sa.Connection, filters: JobFilters) -> int:
    """How many jobs the filters leave, on all pages."""
    query = sa.select(sa.func.count()).select_from(render_job).where(*_conditions(filters))
    return int(connection.execute(query).scalar_one())


def has_jobs(connection: sa.Connection, filters: JobFilters) -> bool:
    """Whether the filters leave any job; reads one row."""
    query = sa.select(sa.literal(1)).select_from(render_job).where(*_conditions(filters)).limit(1)
    return connection.execute(query).first() is not None


def job_stats(connection: sa.Connection, product_id: str | None) -> JobStats:
    """How many jobs of a product, or of all, are in each state: one query.

    A count of its own for each state reads nothing but that state's part of an index: among 100,000 jobs a third of the
    time of filtered counts of all.
    """
    conditions: list[sa.ColumnElement[bool]] = [_NOT_DELETED]
    if product_id is not None:
        conditions.append(render_job.c.product_id == product_id)
    states = [JobStatus(name) for name in JobStats._fields[1:]]
    counts = [
        sa.select(sa.func.count()).select_from(render_job).where(*conditions, render_job.c.status == state)
        for state in states
    ]
    found = connection.execute(sa.select(*(count.scalar_subquery() for count in counts))).one()
    return JobStats(sum(found), *found)


def outputs_of(connection: sa.Connection, job_ids: Collection[str]) -> dict[str, list[StoredOutput]]:
    """The stored outputs of jobs, by job."""
    wanted = [render_output.c[one.name] for one in _STORED]
    query = sa.select(render_output.c.job_id, *wanted).where(
        render_output.c.job_id.in_(job_ids), render_output.c.object_key.is_not(None)
    )
    found: dict[str, list[StoredOutput]] = {}
    for job_id, *values in connection.execute(query.order_by(render_output.c.kind, render_output.c.angle)):
        output = msgspec.convert(dict(zip((one.name for one in _STORED), values, strict=True)), _OUTPUT)
        found.setdefault(job_id, []).append(output)
    return found


class Reusable(NamedTuple):
    """Outputs of other jobs, and the newest of these."""

    job_id: str
    outputs: Sequence[StoredOutput]


def reusable_outputs(connection: sa.Connection, address: str, *, but: str) -> Reusable | None:
    """What other jobs of the same address have, each kind and angle once; None when there is nothing."""
    query = (
        sa.select(render_job.c.id)
        .where(render_job.c.address == address, render_job.c.id != but)
        .order_by(render_job.c.created_at.desc())
        .limit(MOST_DONORS)
    )
    donors = list(connection.execute(query).scalars())
    found = outputs_of(connection, donors) if donors else {}
    newest = [job_id for job_id in donors if job_id in found]
    by_place = {(one.kind, one.angle): one for job_id in reversed(newest) for one in found[job_id]}
    return Reusable(newest[0], list(by_place.values())) if newest else None


def product_thumbnail(connection: sa.Connection, product_id: str) -> StoredOutput | None:
    """The picture that stands for a product: the front of its newest finished mockup."""
    newest = (
        sa.select(render_job.c.id)
        .join(render_output, render_output.c.job_id == render_job.c.id)
        .where(
            _NOT_DELETED,
            render_job.c.product_id == product_id,
            render_job.c.status == JobStatus.COMPLETED,
            render_output.c.kind == OutputKind.STILL,
            render_output.c.angle == THUMBNAIL_ANGLE,
            render_output.c.object_key.is_not(None),
        )
        .order_by(render_job.c.created_at.desc(), render_job.c.id.desc())
        .limit(1)
    )
    job_id = connection.execute(newest).scalar_one_or_none()
    if job_id is None:
        return None
    outputs = outputs_of(connection, [job_id])[job_id]
    return next(one for one in outputs if (one.kind, one.angle) == (OutputKind.STILL, THUMBNAIL_ANGLE))


def media_entries(job: RenderJob, outputs: Sequence[StoredOutput], sign: Sign) -> list[dict[str, Any]]:
    """The outputs of a job as the shop's media: what each shows, and where it can be had.

    The names are those of the service before this one.
    """
    return [
        {
            **msgspec.to_builtins(one),
            "url": sign(one.object_key),
            "metadata": {
                "generated_by": "render-engine",
                "render_job_id": job.id,
                "camera_angle": one.angle or None,
                "preset": job.preset,
                "created_at": (job.completed_at or job.updated_at).isoformat(),
                "media_type": "video" if one.mime.startswith("video/") else "image",
                "is_thumbnail": (one.kind, one.angle) == (OutputKind.STILL, THUMBNAIL_ANGLE),
            },
        }
        for one in outputs
    ]


def rendered_skus(connection: sa.Connection) -> list[str]:
    """The SKUs of jobs that are not deleted."""
    return list(connection.execute(sa.select(render_job.c.sku).where(_NOT_DELETED).distinct()).scalars())


def _conditions(filters: JobFilters) -> list[sa.ColumnElement[bool]]:
    if (filters.limit is not None and filters.limit < 0) or filters.offset < 0:
        raise InvalidInputError(f"limit is {filters.limit} and offset {filters.offset}; neither may be negative")
    found: list[sa.ColumnElement[bool]] = [] if filters.with_deleted else [_NOT_DELETED]
    names = [name for name in ("product_id", "variant_id", "sku") if getattr(filters, name) is not None]
    found += [render_job.c[name] == getattr(filters, name) for name in names]
    if isinstance(filters.status, JobStatus):
        found.append(render_job.c.status == filters.status)
    elif filters.status is not None:
        found.append(render_job.c.status.in_(filters.status))
    return found


def _job(row: Any, sign: Sign) -> RenderJob:  # noqa: ANN401 - a mapping whose values have the columns' types
    values = dict(row)
    for name in RESULTS:
        # A result that was made elsewhere is a URL already; ours are object keys.
        if (value := values[name]) is not None and ":" not in value:
            values[name] = sign(value)
    if values["design_file_url"] is None and values["design_key"] is not None:
        values["design_file_url"] = sign(values["design_key"])
    values["status"] = JobStatus(values["status"])
    values["options"] = msgspec.convert(values["options"], _OPTIONS)
    return RenderJob(**values)
