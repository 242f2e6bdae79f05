"""The bodies and answers of the mockups over HTTP. Keep out: the endpoints (`mockups`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pydantic import Field

from orchestration.api.models import ApiModel, Body, Name, example
from orchestration.api.work import RequestId
from orchestration.mockups.statuses import JobStatus

MOST_SKUS: Final = 1_000
_JOB: Final[dict[str, Any]] = {
    "id": "rjob_01KQSDR2G0W7793FEQV1FP061M", "productId": "A461-1000", "variantId": "A461-1000-navy",
    "sku": "A461-1000-navy", "status": "rendering", "progress": 72.5, "preset": "chest-medium", "templateId": None,
    "options": {"fabric": "#101840"}, "errorMessage": None, "metadata": {"order": 17}, "retryCount": 0,
    "designFileUrl": "http://127.0.0.1:3001/objects/mockups/designs/ab/ab12.png?expires=1&signature=c0",
    "compositedFileUrl": "http://127.0.0.1:3001/objects/mockups/cd/cd34.png?expires=1&signature=c0",
    "renderedImageUrl": None, "animationUrl": None, "startedAt": "2026-02-01T08:00:04Z", "completedAt": None,
    "createdAt": "2026-02-01T08:00:00Z", "updatedAt": "2026-02-01T08:00:09Z", "deletedAt": None,
}  # fmt: skip


class JobModel(ApiModel):
    """A render job with how far it is, in percent, and links to its results that work for a while."""

    model_config = example(**_JOB)

    id: str
    product_id: str
    variant_id: str | None
    sku: str
    status: JobStatus
    progress: float
    preset: str
    template_id: str | None
    options: dict[str, Any]
    error_message: str | None
    metadata: dict[str, Any]
    retry_count: int
    design_file_url: str | None
    composited_file_url: str | None
    rendered_image_url: str | None
    animation_url: str | None
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class FileModel(ApiModel):
    """A file of a job: what it shows, and a link that works for a while."""

    kind: str
    angle: str
    mime: str
    width: int
    height: int
    bytes: int
    sha256: str
    garment_version: str
    renderer_version: str
    facts: dict[str, Any]
    url: str
    metadata: dict[str, Any]


class JobWithFiles(JobModel):
    """A render job with all its files."""

    model_config = example(**_JOB, outputs=[])

    outputs: list[FileModel]


class JobsModel(ApiModel):
    """A page of render jobs."""

    model_config = example(jobs=[_JOB], total=1, limit=10, offset=0, hasMore=False)

    jobs: list[JobModel]
    total: int
    limit: int
    offset: int
    has_more: bool


class StatsModel(ApiModel):
    """How many render jobs are in each state."""

    model_config = example(total=14, pending=1, compositing=0, rendering=1, completed=11, failed=1)

    total: int
    pending: int
    compositing: int
    rendering: int
    completed: int
    failed: int


class Retry(Body):
    """What a retry asks for otherwise than the job that failed; null keeps it."""

    model_config = example(preset="chest-large", fabricColor="black")

    preset: Name | None = None
    fabric_color: Name | None = None
    background_color: Name | None = None
    samples: int | None = Field(None, ge=1, le=4_096)


class Deleted(ApiModel):
    """A job that was deleted, and how many files went with it."""

    model_config = example(id=_JOB["id"], isRemoved=False, files=0)

    id: str
    is_removed: bool
    files: int


class Render(Body):
    """What to render now: the newest job of each of these SKUs again; none named: what is due."""

    model_config = example(skus=["A461-1000-navy"], requestId="req-0001")

    skus: list[Name] = Field(default_factory=list, max_length=MOST_SKUS)
    request_id: RequestId = None
