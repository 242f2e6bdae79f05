"""The pages of previews: jobs with their progress, and one of them with its film, its files and its proof.

Also what can be done: cancel. Keep out: rendering.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

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
from orchestration.admin.places import task_links
from orchestration.admin.shown import pretty
from orchestration.api.keys import Role
from orchestration.api.models import cursor_of, parts_of
from orchestration.errors import ConflictError, NotFoundError
from orchestration.previews.jobs.rows import JobRow, JobSummary, job_summaries
from orchestration.previews.jobs.states import JobState
from orchestration.previews.jobs.submission import cancel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastapi import APIRouter

    from orchestration.admin.frame import Frame

_COLUMNS = ("", "Job", "Project", "State", "Progress", "What is wrong", "Attempts", "Created", "Ended")
_SHOWN = ("image/", "video/")


def add_preview_pages(pages: APIRouter, frame: Frame) -> None:
    """The pages of previews."""

    @pages.get("/admin/previews")
    def show_previews(request: Request, visitor: Looking) -> Response:
        choices = (Choice("state", "State", [str(one) for one in JobState]), Choice("project", "Project"))
        page = ListPage("Previews", "previews", _COLUMNS, choices, partial(_read, frame))
        return show_list(frame, request, visitor, page)

    @pages.get("/admin/previews/{job_id}")
    def show_preview(request: Request, visitor: Looking, job_id: str) -> Response:
        job = frame.domains.previews.find(job_id)
        if job is None:
            raise NotFoundError(f"There is no preview job {job_id}")
        return frame.show(request, visitor, _job_page(frame, job))


def _read(frame: Frame, connection: sa.Connection, query: Query) -> Found:
    after = parts_of(query.after) if query.after else None
    known = query.get("state")
    found = job_summaries(
        connection,
        state=known if known in set(JobState) else None,
        project_id=query.get("project"),
        after=after,
        limit=query.limit + 1,
    )

    def row(one: JobSummary) -> Row:
        page = address("previews", one.job_id)
        is_over = one.state in {"completed", "failed", "cancelled"}
        return Row(
            (
                picture(frame.link(one.poster_key) if one.poster_key else None, one.job_id, href=page),
                code(one.job_id, href=page, note=one.request_id),
                text(one.project_id, href=address("previews", project=one.project_id)),
                state(one.state, note=", ".join(_kinds(one)) or None),
                progress(None if is_over else one.percent, one.stage),
                text(one.error),
                number(one.attempt),
                moment(one.created_at),
                moment(one.finished_at),
            ),
            [Button(do, {"job": one.job_id}) for do in _offered(JobState(one.state))],
        )

    return paged(found, query.limit, row, lambda one: cursor_of(one.created_at.isoformat(), one.job_id))


def _kinds(one: JobSummary) -> Iterator[str]:
    """What tells a job from a usual one."""
    if one.dry_run:
        yield "dry run"
    if one.priority != "normal":
        yield f"{one.priority} priority"


def _job_page(frame: Frame, job: JobRow) -> Page:
    result = job.result or {}
    files = result.get("files", ())
    pictures = [
        Picture(frame.link(file["key"]), file["name"], mime=file["mime"])
        for file in files
        if file["mime"].startswith(_SHOWN)
    ]
    sections = [Section("What is wrong", text=job.error)] if job.error else []
    if job.faults:
        faults = [Row((code(one["path"]), text(one["problem"]))) for one in job.faults]
        sections.append(Section("Faults of the payload", table=Table(("Where", "Problem"), faults)))
    if pictures:
        sections.append(Section("Film", pictures=pictures))
    sections += [
        _facts(job),
        _files(frame, files),
        Section("Result", text=pretty({name: value for name, value in result.items() if name != "files"})),
        Section("Payload", text=pretty(job.payload)),
    ]
    links = [
        ("timeline", address("timeline", q=job.job_id)),
        *task_links(frame.domains, frame.domains.previews.preview_queue, job.job_id),
    ]
    links.append(("asset in Dagster", f"{frame.services.settings.dagster_url.rstrip('/')}/assets/previews/artifacts"))
    buttons = [Button(do, {"job": job.job_id}) for do in _offered(job.state)]
    return Page(job.job_id, sections, None, job.state, links, buttons, is_live=not job.state.is_final, seconds=2)


def _facts(job: JobRow) -> Section:
    facts = [
        ("Progress", progress(job.percent, job.stage)),
        ("Time left", Cell(job.eta_seconds, Kind.SECONDS)),
        ("Project", text(job.project_id, href=address("previews", project=job.project_id))),
        ("Request", code(job.request_id)),
        ("Priority", text(job.priority)),
        ("Dry run", text(job.dry_run)),
        ("Attempts", number(job.attempt)),
        ("Created", moment(job.created_at)),
        ("Started", moment(job.started_at)),
        ("Ended", moment(job.finished_at)),
        ("Kind of error", text(job.error_type)),
    ]
    return Section("Job", facts=facts)


def _files(frame: Frame, files: Sequence[dict[str, Any]]) -> Section:
    rows = [
        Row(
            (
                text(file["kind"]),
                text(file["name"], href=frame.link(file["key"], file["name"])),
                Cell(file["bytes"], Kind.BYTES),
                text(file["mime"]),
                code(file["sha256"][:16]),
            )
        )
        for file in files
    ]
    return Section("Files", table=Table(("Kind", "File", "Size", "Type", "SHA-256"), rows, "None yet."))


def _offered(state_: JobState) -> list[str]:
    """What may be done to a job in this state."""
    if state_ is JobState.FAILED:
        return ["previews.retry"]
    return [] if state_.is_final else ["previews.cancel"]


def _retry(doing: Doing) -> Done:
    """Its dead task begins again, and the job with it; a job whose payload cannot be used has no such task."""
    job = doing.one("job")
    if not doing.domains.previews.preview_queue.replay(doing.connection, [job]):
        raise ConflictError(f"{job} has no dead task any more; submit it again")
    return Done(f"{job} begins again, with all its attempts")


def _cancel(doing: Doing) -> Done:
    previews = doing.domains.previews
    row = cancel(doing.connection, previews.preview_queue, previews.outbox, doing.one("job"), datetime.now(UTC))
    return Done("The job is cancelled" if row.state is JobState.CANCELLED else "Its worker stops it within moments")


def _ask_cancel(doing: Doing) -> str:
    return (
        f"One preview job is cancelled: {doing.one('job')}. Nothing of it is stored, and it "
        f"does not begin again by itself."
    )


ACTIONS: Final = (
    Action("previews.retry", "Retry", Role.ENQUEUE, "preview", _retry, named_by="job"),
    Action("previews.cancel", "Cancel", Role.ENQUEUE, "preview", _cancel, _ask_cancel, is_harmful=True, named_by="job"),
)
