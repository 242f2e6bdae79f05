"""Previews over HTTP: jobs in, their status and artifacts out, the queue's figures.

It holds the endpoints. Keep out: what is one job and what another (`previews.jobs`), and rendering.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi import Body as RequestBody
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from orchestration.api.access import ENQUEUES, READS
from orchestration.api.models import USUAL_PAGE, ApiModel, Limit, PathName, example
from orchestration.api.problems import Fault, ProblemError, documented
from orchestration.api.routes import guarded_router, takes_bytes
from orchestration.errors import DatabaseAwayError, NotFoundError, TransientError
from orchestration.previews.jobs.rows import JobRow, counts, list_jobs
from orchestration.previews.jobs.states import ErrorType, JobState
from orchestration.previews.jobs.status import job_artifacts, job_status, queue_metrics
from orchestration.previews.jobs.submission import JobConflictError
from orchestration.previews.payload.reading import LARGEST_BYTES
from orchestration.previews.payload.schema import InvalidPayloadError, schema_text

if TYPE_CHECKING:
    from orchestration.previews.previews import Previews

LONGEST_WAIT = 60.0
POLL_SECONDS = 0.25
REPEAT_HEADER = "Idempotent-Replayed"
_MINIMAL = {
    "jobId": "preview-job-0001",
    "projectId": "proj-mobius-123",
    "requestId": "req-0001",
    "dryRun": True,
    "createdAt": "2026-02-01T10:00:00Z",
    "previewRequest": {"title": "Minimal", "steps": [], "assets": [], "audio": {}, "metadata": {}},
}
_EXAMPLES = [
    _MINIMAL,
    _MINIMAL | {
        "jobId": "preview-job-0002",
        "dryRun": False,
        "priority": "high",
        "previewRequest": {
            "title": "A mug that says your name",
            "steps": [{"title": "Choose a design", "text": "Start with one of forty designs.", "durationMs": "auto"}],
            "assets": [],
            "audio": {},
            "options": {"resolution": "1280x720", "format": "webm", "includeCaptions": True},
        },
    },
]  # fmt: skip
_ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "The job is taken in, or was before",
        "headers": {
            REPEAT_HEADER: {"description": "`true` when the job was there already", "schema": {"type": "string"}}
        },
    }
}


class AcceptedJob(ApiModel):
    """A job that was taken in."""

    model_config = example(jobId="preview-job-0001", status="queued")

    job_id: str
    status: str


class Artifact(ApiModel):
    """A file of a job, and a link under which it can be read until it expires."""

    kind: str
    name: str
    mime: str
    sha256: str
    bytes: int
    url: str
    expires_at: datetime


class FaultModel(ApiModel):
    """What is wrong with one value of a payload."""

    path: str
    problem: str


class StatusModel(ApiModel):
    """Where a job is, and what came of it."""

    model_config = example(jobId="preview-job-0001", status="running", state="running", progress=42.5, stage="frames")

    job_id: str
    project_id: str
    request_id: str
    status: str = Field(description="queued, running, success, failed or cancelled")
    state: JobState
    dry_run: bool
    priority: str
    progress: float = Field(description="Percent; it never falls")
    stage: str | None
    eta_seconds: float | None
    attempts_made: int
    created_at: datetime
    processed_on: datetime | None
    finished_on: datetime | None
    failed_reason: str | None
    error_type: ErrorType | None
    faults: list[FaultModel]
    artifact_urls: list[str]
    artifacts: list[Artifact]
    result: dict[str, Any] | None = Field(description="Notes, proof and cost; of a dry run the storyboard")
    logs_url: str = Field(alias="logs_url")


class ArtifactModel(ApiModel):
    """The artifact of a job: the video or picture, and the files beside it."""

    model_config = example(jobId="preview-job-0001", url="http://127.0.0.1:3001/objects/...", artifacts=[])

    job_id: str
    url: str
    artifacts: list[Artifact]


class QueueMetrics(ApiModel):
    """How many jobs are where."""

    model_config = example(name="preview-jobs", waiting=1, active=2, completed=7, failed=0, delayed=0, total=10)

    name: str
    waiting: int
    active: int
    completed: int
    failed: int
    delayed: int
    total: int


class Backend(ApiModel):
    """Where the queue is kept."""

    status: str
    url: str


class WorkerHealth(ApiModel):
    """Whether jobs can be taken in and rendered."""

    model_config = example(status="healthy", timestamp="2026-02-01T10:00:00Z", workers=1, outcomes={"completed": 7})

    status: str
    timestamp: datetime
    database: Backend | None = None
    redis: Backend | None = Field(None, description="The same under its name of old")
    queue: QueueMetrics | None = None
    workers: int | None = Field(None, description="Drains that live now; one is launched when work comes")
    outcomes: dict[str, int] | None = Field(None, description="How often jobs ended how, ever")
    error: str | None = None


class JobSummary(ApiModel):
    """A job in a list."""

    model_config = example(jobId="preview-job-0001", state="completed", percent=100)

    job_id: str
    project_id: str
    state: JobState
    priority: str
    dry_run: bool
    percent: float
    error: str | None
    created_at: datetime
    finished_at: datetime | None


def router(previews: Previews) -> APIRouter:
    """The previews' endpoints."""
    api = guarded_router("previews")
    _add_intake(api, previews)
    _add_jobs(api, previews)
    _add_figures(api, previews)
    return api


def _add_intake(api: APIRouter, previews: Previews) -> None:
    @api.post(
        "/api/preview/job",
        status_code=HTTPStatus.ACCEPTED,
        dependencies=[ENQUEUES],
        responses=_ACCEPTED | documented(HTTPStatus.CONFLICT),
        openapi_extra=takes_bytes(LARGEST_BYTES),
    )
    def enqueue(
        document: Annotated[dict[str, Any], RequestBody(examples=_EXAMPLES)], response: Response
    ) -> AcceptedJob:
        """Take a job in (`GET /api/preview/schema`). The same payload again is the same job, and a header says so."""
        try:
            submitted = previews.submit(document)
        except InvalidPayloadError as error:
            raise _refused(error) from error
        except JobConflictError as error:
            faults = [Fault(path=path, detail="differs from what was sent before") for path in error.fields]
            raise ProblemError(HTTPStatus.CONFLICT, "conflict", str(error), errors=faults) from error
        if not submitted.is_new:
            response.headers[REPEAT_HEADER] = "true"
        return AcceptedJob(job_id=submitted.job.job_id, status=submitted.job.state.word)

    @api.get("/api/preview/schema", dependencies=[READS], response_class=Response, responses=_SCHEMA)
    def read_schema() -> Response:
        """The JSON Schema (draft-07) of a job."""
        return Response(schema_text(), media_type="application/schema+json")


_SCHEMA: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The schema",
        "content": {"application/schema+json": {"schema": {"type": "object"}, "example": {"title": "PreviewJob"}}},
    }
}


def _refused(error: InvalidPayloadError) -> ProblemError:
    faults = [Fault(path=fault.path, detail=fault.problem) for fault in error.faults]
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_payload", str(error), errors=faults)


def _add_jobs(api: APIRouter, previews: Previews) -> None:
    missing = documented(HTTPStatus.NOT_FOUND)

    @api.get("/api/preview/job/{job_id}/status", dependencies=[READS], responses=missing)
    async def read_status(
        job_id: PathName,
        wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT, description="Answer once it has ended, or then")] = 0.0,
    ) -> StatusModel:
        """Where a job is. With `wait`, the answer comes when the job has ended, or after so many seconds."""
        row = await _ended(previews, job_id, wait)
        return StatusModel.model_validate(await run_in_threadpool(_status, previews, row))

    @api.get(
        "/api/preview/job/{job_id}/artifact", dependencies=[READS], responses=missing | documented(HTTPStatus.CONFLICT)
    )
    def read_artifact(job_id: PathName) -> ArtifactModel:
        """Links to what was made; 409 as long as there is nothing."""
        row = _found(previews, job_id)
        artifacts = job_artifacts(row, previews.services.links, datetime.now(UTC))
        if not artifacts:
            detail = f"The job {row.job_id} has no artifact: it is {row.state.word}{' and a dry run' * row.dry_run}"
            raise ProblemError(HTTPStatus.CONFLICT, "no_artifact", detail)
        return ArtifactModel.model_validate({"jobId": job_id, "url": artifacts[0]["url"], "artifacts": artifacts})

    @api.post("/api/preview/job/{job_id}/cancel", dependencies=[ENQUEUES], responses=missing)
    def cancel(job_id: PathName) -> StatusModel:
        """Cancel a job: one that waits at once, one that is rendered within moments."""
        return StatusModel.model_validate(_status(previews, previews.cancel(job_id)))

    @api.get("/api/preview/jobs", dependencies=[READS])
    def read_jobs(state: JobState | None = None, limit: Limit = USUAL_PAGE) -> list[JobSummary]:
        """The newest jobs."""
        with previews.database.connect() as connection:
            return [JobSummary.model_validate(row) for row in list_jobs(connection, state, limit)]


async def _ended(previews: Previews, job_id: str, wait: float) -> JobRow:
    """The job once it has ended, or as it is after `wait` seconds."""
    deadline = time.monotonic() + wait
    while True:
        row = await run_in_threadpool(_found, previews, job_id)
        if row.state.is_final or time.monotonic() >= deadline:
            return row
        await asyncio.sleep(POLL_SECONDS)


def _found(previews: Previews, job_id: str) -> JobRow:
    if (row := previews.find(job_id)) is None:
        raise NotFoundError(f"There is no preview job {job_id}; one that ended long ago is no longer kept")
    return row


def _status(previews: Previews, row: JobRow) -> dict[str, Any]:
    return job_status(row, previews.services.links, previews.settings.public_url, datetime.now(UTC))


def _add_figures(api: APIRouter, previews: Previews) -> None:
    @api.get("/api/preview/queue/metrics", dependencies=[READS])
    def read_metrics() -> QueueMetrics:
        """How many jobs of the queue are where."""
        with previews.database.connect() as connection:
            return QueueMetrics.model_validate(queue_metrics(connection, previews))

    @api.get(
        "/api/preview/worker/health",
        dependencies=[READS],
        response_model_exclude_none=True,
        responses={503: {"model": WorkerHealth, "description": "Jobs can be neither taken in nor rendered"}},
    )
    def read_health(response: Response) -> WorkerHealth:
        """Whether jobs can be taken in and rendered; 503 when not."""
        health = _examine(previews)
        if health.error:
            response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return health


def _examine(previews: Previews) -> WorkerHealth:
    now = datetime.now(UTC)
    try:
        with previews.database.connect() as connection:
            metrics = queue_metrics(connection, previews)
            alive = sum(worker.is_alive for worker in previews.preview_queue.workers(connection))
            outcomes = counts(connection)
    except (DatabaseAwayError, TransientError) as error:
        return WorkerHealth(status="unhealthy", timestamp=now, error=str(error))
    backend = Backend(status="connected", url=previews.masked_database_url)
    queue = QueueMetrics.model_validate(metrics)
    return WorkerHealth(
        status="healthy", timestamp=now, database=backend, redis=backend, queue=queue, workers=alive, outcomes=outcomes
    )
