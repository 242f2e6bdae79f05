"""The pages of mockups: render jobs with pictures and progress, and one of them with all angles and its film.

Also what can be done: retry, cancel, delete, restore. Keep out: rendering.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from orchestration.admin.forms import Action, Doing, Done
from orchestration.admin.frame import Looking, address
from orchestration.admin.lists import Found, ListPage, Query, paged, show_list
from orchestration.admin.parts import (
    Button,
    Cell,
    Choice,
    Kind,
    Page,
    Picture,
    Row,
    Section,
    Table,
    code,
    moment,
    number,
    picture,
    progress,
    state,
    text,
)
from orchestration.admin.places import partition_address, task_links
from orchestration.admin.runs import runs_section
from orchestration.admin.shown import pretty
from orchestration.api.keys import Role
from orchestration.api.models import cursor_of, parts_of
from orchestration.mockups.jobs.model import RETRIED_FROM, RenderJob, RetryOverrides, StoredOutput
from orchestration.mockups.jobs.records import unknown
from orchestration.mockups.jobs.rows import JobSummary, job_summaries, outputs_of, select_job
from orchestration.mockups.jobs.service import RenderJobs
from orchestration.mockups.statuses import JobStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import APIRouter

    from orchestration.admin.frame import Frame

ASSET: Final = "mockups/stills"
_COLUMNS = ("", "Job", "Garment", "Status", "Progress", "What is wrong", "Created", "Ended")


def add_mockup_pages(pages: APIRouter, frame: Frame) -> None:
    """The pages of mockups."""

    @pages.get("/admin/mockups")
    def show_mockups(request: Request, visitor: Looking) -> Response:
        choices = (
            Choice("status", "Status", [str(one) for one in JobStatus]),
            Choice("sku", "SKU"),
            Choice("family", "Family"),
        )
        page = ListPage("Mockups", "mockups", _COLUMNS, choices, partial(_read, frame))
        return show_list(frame, request, visitor, page)

    @pages.get("/admin/mockups/{job_id}")
    def show_mockup(request: Request, visitor: Looking, job_id: str) -> Response:
        with frame.reading() as connection:
            job = select_job(connection, job_id, frame.link, with_deleted=True)
            outputs = outputs_of(connection, [job_id]).get(job_id, [])
        if job is None:
            raise unknown(job_id)
        return frame.show(request, visitor, _job_page(frame, job, outputs))


def _read(frame: Frame, connection: sa.Connection, query: Query) -> Found:
    after = parts_of(query.after) if query.after else None
    status = query.get("status")
    found = job_summaries(
        connection,
        status=status if status in set(JobStatus) else None,
        sku=query.get("sku"),
        product_id=query.get("family"),
        after=after,
        limit=query.limit + 1,
    )

    def row(one: JobSummary) -> Row:
        page = address("mockups", one.id)
        buttons = [Button(do, {"job": one.id}) for do in _offered(JobStatus(one.status), is_deleted=False)[:-1]]
        return Row(
            (
                picture(frame.link(one.picture_key) if one.picture_key else None, one.sku, href=page),
                code(one.id, href=page),
                code(one.sku, href=address("mockups", sku=one.sku), note=one.preset),
                state(one.status, note="a retry" if one.retried_from else None),
                progress(one.progress if one.status not in {"completed", "failed"} else None),
                text(one.error_message),
                moment(one.created_at),
                moment(one.completed_at),
            ),
            buttons,
            partition_address(frame.services.settings, ASSET, one.sku),
        )

    return paged(found, query.limit, row, lambda one: cursor_of(one.created_at.isoformat(), one.id))


def _job_page(frame: Frame, job: RenderJob, outputs: Sequence[StoredOutput]) -> Page:
    pictures = [
        Picture(frame.link(one.object_key), f"{one.kind} {one.angle}".strip(), mime=one.mime)
        for one in outputs
        if one.mime.startswith(("image/", "video/"))
    ]
    if job.design_key:
        pictures.insert(0, Picture(frame.link(job.design_key), "The design"))
    sections = [Section("What is wrong", text=job.error_message)] if job.error_message else []
    sections += [
        Section("All angles", pictures=pictures, note=None if outputs else "Nothing is rendered yet."),
        _facts(job),
        _files(frame, outputs),
        Section("Options", text=pretty(msgspec.to_builtins(job.options))),
        Section("Metadata", text=pretty(dict(job.metadata))),
        runs_section(frame, ASSET, job.sku),
    ]
    links = [
        ("timeline", address("timeline", q=job.id)),
        *task_links(frame.domains, frame.domains.mockups.render_queue, job.id),
        ("partition in Dagster", partition_address(frame.services.settings, ASSET, job.sku)),
    ]
    if origin := job.metadata.get(RETRIED_FROM):
        links.append(("the job that failed", address("mockups", origin)))
    buttons = [Button(one, {"job": job.id}) for one in _offered(job.status, is_deleted=job.deleted_at is not None)]
    word = "deleted" if job.deleted_at else job.status
    title, is_live = f"{job.preset} on {job.sku}", not job.status.is_terminal
    return Page(title, sections, f"Job {job.id}", word, links, buttons, is_live=is_live)


def _facts(job: RenderJob) -> Section:
    facts = [
        ("Progress", progress(job.progress)),
        ("Garment", code(job.sku, href=address("mockups", sku=job.sku))),
        ("Family", code(job.product_id, href=address("families", job.product_id))),
        ("Preset", text(job.preset)),
        ("Template", text(job.template_id)),
        ("Retries before it", number(job.retry_count)),
        ("Created", moment(job.created_at)),
        ("Started", moment(job.started_at)),
        ("Ended", moment(job.completed_at)),
        ("Deleted", moment(job.deleted_at)),
    ]
    return Section("Job", facts=facts)


def _files(frame: Frame, outputs: Sequence[StoredOutput]) -> Section:
    files = [
        Row(
            (
                text(str(one.kind)),
                text(one.angle),
                text(f"{one.width} \u00d7 {one.height}"),
                Cell(one.bytes, Kind.BYTES),
                text(one.mime, href=frame.link(one.object_key)),
                code(one.renderer_version),
            )
        )
        for one in outputs
    ]
    return Section("Files", table=Table(("Kind", "Angle", "Pixels", "Size", "File", "Renderer"), files, "None yet."))


def _offered(status: JobStatus, *, is_deleted: bool) -> list[str]:
    """What may be done to a job in this state."""
    if is_deleted:
        return ["mockups.restore"]
    first = {JobStatus.COMPLETED: [], JobStatus.FAILED: ["mockups.retry"]}.get(status, ["mockups.cancel"])
    return [*first, "mockups.delete"]


def _jobs(doing: Doing) -> RenderJobs:
    mockups = doing.domains.mockups
    return RenderJobs(doing.connection, mockups.link, mockups.clock)


def _retry(doing: Doing) -> Done:
    job = doing.domains.mockups.retry_in(doing.connection, doing.one("job"), RetryOverrides())
    return Done(f"{job.id} was made of it and is queued", address("mockups", job.id))


def _delete(doing: Doing) -> Done:
    _jobs(doing).delete(doing.one("job"))
    return Done("The job is marked as deleted; it can be restored")


def _ask_delete(doing: Doing) -> str:
    job = _jobs(doing).retrieve(doing.one("job"))
    outputs = outputs_of(doing.connection, [job.id]).get(job.id, [])
    return (
        f"One job, {job.status}, with {len(outputs)} files, is marked as deleted. It stays for "
        f"the history and can be restored."
    )


def _restore(doing: Doing) -> Done:
    _jobs(doing).restore([doing.one("job")])
    return Done("The job is there again")


def _cancel(doing: Doing) -> Done:
    job = doing.domains.mockups.cancel(doing.connection, doing.one("job"))
    ended = job.status.is_terminal
    return Done("The job is cancelled; it can be retried" if ended else "Its worker stops it within moments")


def _ask_cancel(doing: Doing) -> str:
    job = _jobs(doing).retrieve(doing.one("job"))
    files = len(outputs_of(doing.connection, [job.id]).get(job.id, []))
    return (
        f"One mockup is cancelled, which is {job.status} and has {files} files so far; they stay. It does not begin "
        f"again by itself, and can be retried."
    )


ACTIONS: Final = (
    Action("mockups.retry", "Retry", Role.ENQUEUE, "mockup", _retry, named_by="job"),
    Action("mockups.cancel", "Cancel", Role.ENQUEUE, "mockup", _cancel, _ask_cancel, is_harmful=True, named_by="job"),
    Action("mockups.delete", "Delete", Role.ENQUEUE, "mockup", _delete, _ask_delete, is_harmful=True, named_by="job"),
    Action("mockups.restore", "Restore", Role.ENQUEUE, "mockup", _restore, named_by="job"),
)
