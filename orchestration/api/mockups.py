"""The mockups over HTTP: designs in, render jobs with their pictures out, cancelling them, retries.

It holds the endpoints. Keep out: the work, which the domain's own functions do.

The names of form fields and the code words of errors are those of the service before this one.
"""

from __future__ import annotations

from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from fastapi import APIRouter, File, Form, Query, UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from orchestration.api.access import ADMINISTERS, ENQUEUES, READS
from orchestration.api.mockup_models import Deleted, JobModel, JobsModel, JobWithFiles, Render, Retry, StatsModel
from orchestration.api.models import Name, PathName
from orchestration.api.objects import BYTES, answer_object
from orchestration.api.problems import ProblemError, documented
from orchestration.api.routes import guarded_router, takes_bytes
from orchestration.api.work import ACCEPTED, EnqueuerWork
from orchestration.errors import InvalidInputError, NotFoundError
from orchestration.mockups.jobs.model import JobFilters, JobOptions, Order, RetryOverrides
from orchestration.mockups.jobs.products import ProductNotFoundError
from orchestration.mockups.jobs.records import JobNotFoundError, unknown
from orchestration.mockups.jobs.rows import media_entries, outputs_of, product_thumbnail, select_job
from orchestration.mockups.jobs.service import JobNotFailedError
from orchestration.mockups.jobs.submission import Submission, submit
from orchestration.mockups.mockup_request import DesignFile, RenderMode
from orchestration.mockups.refusals import MockupRefusedError, RefusalCode
from orchestration.mockups.requests import RENDER
from orchestration.mockups.statuses import JobStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.mockups.jobs.model import JobPage, RenderJob
    from orchestration.mockups.mockups import Mockups
    from orchestration.requests.requests import WorkRequest

LARGEST_PAGE, USUAL_PAGE = 100, 10
# A design of 10 MiB is refused with its own code, and something larger before it is read.
LARGEST_UPLOAD: Final = 16 * 2**20
_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "content": {
            "multipart/form-data": {
                "example": {"design_file": "(the file)", "product_id": "A461-1000", "preset": "chest-medium"}
            }
        }
    }
}


def router(mockups: Mockups) -> APIRouter:
    """The endpoints of the mockups."""
    api = guarded_router("mockups")
    _add_submitting(api, mockups)
    _add_reading(api, mockups)
    _add_changing(api, mockups)
    return api


def _add_submitting(api: APIRouter, mockups: Mockups) -> None:
    @api.post(
        "/api/mockups/jobs",
        response_model=JobModel,
        status_code=HTTPStatus.CREATED,
        dependencies=[ENQUEUES],
        openapi_extra=takes_bytes(LARGEST_UPLOAD) | _FORM,
        responses=documented(HTTPStatus.NOT_FOUND),
    )
    async def create_job(
        *,
        design_file: Annotated[UploadFile | None, File(description="PNG, JPEG or WebP of at most 10 MiB")] = None,
        product_id: Annotated[str, Form()] = "",
        variant_id: Annotated[str, Form()] = "",
        preset: Annotated[str, Form()] = "",
        template_id: Annotated[str, Form()] = "",
        fabric_color: Annotated[str, Form(description="Unset: the variant's")] = "",
        background_color: Annotated[str, Form()] = "",
        render_mode: Annotated[str, Form(description="all, images-only or animation-only")] = "",
        samples: Annotated[str, Form()] = "",
        metadata: Annotated[str, Form(description="A JSON object that is kept with the job")] = "",
    ) -> dict[str, Any]:
        """Submit a mockup of a design; it is queued, and rendered as soon as a drain is free."""
        with _known_codes():
            options = JobOptions(
                fabric=fabric_color or None, background=background_color or None,
                mode=_parsed("render_mode", render_mode, RenderMode, RenderMode.ALL),
                samples=_parsed("samples", samples, int, None),
            )  # fmt: skip
            wish = Submission(
                product_id, preset, variant_id=variant_id or None, design=await _uploaded(design_file),
                template_id=template_id or None, options=options, metadata=_document(metadata),
            )  # fmt: skip
            return _shown(await submit(mockups, wish))

    @api.post("/api/mockups/render", **ACCEPTED)
    def render_again(body: Render, work: EnqueuerWork) -> WorkRequest:
        """Render what is due now, or the newest job of some SKUs again, in a run of its own."""
        return work.start(RENDER, {"skus": body.skus}, body.request_id)


def _add_reading(api: APIRouter, mockups: Mockups) -> None:
    @api.get("/api/mockups/jobs", response_model=JobsModel, dependencies=[READS])
    def read_jobs(
        *,
        product_id: Annotated[Name | None, Query(alias="productId")] = None,
        variant_id: Annotated[Name | None, Query(alias="variantId")] = None,
        sku: Annotated[Name | None, Query(description="The variant's SKU, or the product's")] = None,
        status: Annotated[Name | None, Query(description="One state, or several with commas between")] = None,
        limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = USUAL_PAGE,
        offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
        order: Order = Order.DESC,
    ) -> dict[str, Any]:
        """Render jobs, newest first."""
        with _known_codes(), mockups.render_jobs() as jobs:
            words = [one.strip() for one in (status or "").split(",") if one.strip()]
            wanted = [_parsed("status", one, JobStatus, None) for one in words] or None
            return _page(jobs.list_with_count(JobFilters(product_id, variant_id, sku, wanted, limit, offset, order)))

    @api.get("/api/mockups/stats", response_model=StatsModel, dependencies=[READS])
    def read_stats(product_id: Annotated[Name | None, Query(alias="productId")] = None) -> dict[str, int]:
        """How many jobs of a product, or of all, are in each state."""
        with mockups.render_jobs() as jobs:
            return jobs.stats(product_id)._asdict()

    @api.get(
        "/api/mockups/jobs/{job_id}",
        response_model=JobWithFiles,
        dependencies=[READS],
        responses=documented(HTTPStatus.NOT_FOUND),
    )
    def read_job(job_id: PathName) -> dict[str, Any]:
        """One render job with its progress and its files."""
        with _known_codes(), mockups.database.connect() as connection, mockups.render_jobs() as jobs:
            job = jobs.retrieve(job_id)
            outputs = outputs_of(connection, [job_id]).get(job_id, [])
        return _shown(job) | {"outputs": media_entries(job, outputs, mockups.link)}

    @api.get(
        "/api/mockups/products/{product_id}/thumbnail",
        response_class=Response,
        responses=BYTES,
        dependencies=[READS],
    )
    async def read_thumbnail(request: Request, product_id: PathName) -> Response:
        """The picture that stands for a product: the front of its newest finished mockup."""

        def find() -> str:
            with mockups.database.connect() as connection:
                found = product_thumbnail(connection, product_id)
            if found is None:
                raise NotFoundError(f"The product {product_id} has no finished mockup")
            return found.object_key

        return await answer_object(mockups.services, request, await run_in_threadpool(find), {})


def _add_changing(api: APIRouter, mockups: Mockups) -> None:
    missing = documented(HTTPStatus.NOT_FOUND)

    @api.post(
        "/api/mockups/jobs/{job_id}/retry",
        response_model=JobModel,
        status_code=HTTPStatus.CREATED,
        dependencies=[ENQUEUES],
        responses=missing,
    )
    def retry_job(job_id: PathName, body: Retry) -> dict[str, Any]:
        """Make a new job of one that failed, and queue it; the failed one stays as it is."""
        overrides = RetryOverrides(body.preset, body.fabric_color, body.background_color, body.samples)
        with _known_codes({RefusalCode.MISSING_FILE: "MISSING_DESIGN_FILE"}):
            return _shown(mockups.retry(job_id, overrides))

    @api.post(
        "/api/mockups/jobs/{job_id}/cancel",
        response_model=JobModel,
        dependencies=[ENQUEUES],
        responses=missing | documented(HTTPStatus.CONFLICT),
    )
    def cancel_job(job_id: PathName) -> dict[str, Any]:
        """Cancel a job: one that waits at once, one that is rendered within moments. It can be retried."""
        with _known_codes(), mockups.database.begin() as connection:
            return _shown(mockups.cancel(connection, job_id))

    @api.delete("/api/mockups/jobs/{job_id}", response_model=Deleted, dependencies=[ENQUEUES], responses=missing)
    def delete_job(job_id: PathName) -> dict[str, Any]:
        """Mark a job as deleted; it is kept for the history, and can be restored."""
        with _known_codes(), mockups.render_jobs() as jobs:
            jobs.delete(job_id)
        return {"id": job_id, "is_removed": False, "files": 0}

    @api.post(
        "/api/mockups/jobs/{job_id}/remove", response_model=Deleted, dependencies=[ADMINISTERS], responses=missing
    )
    def remove_job(job_id: PathName) -> dict[str, Any]:
        """Remove a job for good, deleted or not, with the files that no other job has."""
        with _known_codes(), mockups.database.connect() as connection:
            if select_job(connection, job_id, mockups.link, with_deleted=True) is None:
                raise unknown(job_id)
        return {"id": job_id, "is_removed": True, "files": len(mockups.hard_delete([job_id]))}

    @api.post("/api/mockups/jobs/{job_id}/restore", response_model=JobModel, dependencies=[ENQUEUES], responses=missing)
    def restore_job(job_id: PathName) -> dict[str, Any]:
        """Take back the deletion of a job."""
        with _known_codes(), mockups.render_jobs() as jobs:
            jobs.restore([job_id])
            return _shown(jobs.retrieve(job_id))


def _shown(job: RenderJob) -> dict[str, Any]:
    return {**msgspec.to_builtins(job), "retry_count": job.retry_count}


def _page(page: JobPage) -> dict[str, Any]:
    jobs = [_shown(job) for job in page.jobs]
    return {
        "jobs": jobs, "total": page.total, "limit": page.limit, "offset": page.offset, "has_more": page.has_more,
    }  # fmt: skip


async def _uploaded(file: UploadFile | None) -> DesignFile | None:
    return None if file is None else DesignFile((file.filename or "design")[:200], await file.read())


def _document(text: str) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(text, type=dict[str, Any]) if text else None
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidInputError("metadata is no JSON object") from error


def _parsed(field: str, text: str, kind: Any, default: Any) -> Any:  # noqa: ANN401 - a value of the kind
    """A value as a form has it; what is not given is the default."""
    try:
        return kind(text) if text else default
    except ValueError as error:
        raise InvalidInputError(f"{field} cannot be {text[:40]!r}") from error


@contextmanager
def _known_codes(others: dict[RefusalCode, str] | None = None) -> Iterator[None]:
    """Answer errors with the code words of the service before this one; `others` replace some of them."""
    try:
        yield
    except MockupRefusedError as error:
        code = (others or {}).get(error.code, error.code.value)
        raise ProblemError(HTTPStatus.BAD_REQUEST, code, str(error)) from error
    except (ProductNotFoundError, JobNotFoundError) as error:
        raise ProblemError(HTTPStatus.NOT_FOUND, error.code, str(error)) from error
    except JobNotFailedError as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, error.code, str(error)) from error
    except InvalidInputError as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, RefusalCode.VALIDATION_ERROR.value, str(error)) from error
