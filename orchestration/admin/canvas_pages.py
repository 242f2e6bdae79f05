"""The pages of the canvas: projects with their operations and snapshots, and the collections of media.

Also what can be done: save, undo, go back, collect with a dry run first, take marks back. Keep out: the work.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec
import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from orchestration.admin.forms import Action, Doing, Done, Field
from orchestration.admin.frame import Looking, address
from orchestration.admin.lists import Found, ListPage, Query, paged, show_list
from orchestration.admin.parts import (
    Button,
    Cell,
    Choice,
    Kind,
    Page,
    Row,
    Section,
    Table,
    code,
    moment,
    number,
    state,
    text,
)
from orchestration.admin.shown import pretty, size
from orchestration.admin.work import start_work
from orchestration.api.keys import Role
from orchestration.api.models import PathNumber
from orchestration.canvas.log import Applied, list_operations, undo
from orchestration.canvas.media_gc.runs import list_runs, read_run, tombstones, undo_run
from orchestration.canvas.projects import ListedProject, list_projects, read_project
from orchestration.canvas.requests import COLLECT
from orchestration.canvas.restore import Target, restore
from orchestration.canvas.snapshots import Listed, list_snapshots, save
from orchestration.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import APIRouter

    from orchestration.admin.frame import Frame

SHOWN_OPERATIONS: Final = 50


def add_canvas_pages(pages: APIRouter, frame: Frame) -> None:
    """The pages of projects and collections."""
    _add_projects(pages, frame)
    _add_collections(pages, frame)


def _add_projects(pages: APIRouter, frame: Frame) -> None:
    @pages.get("/admin/canvas")
    def show_projects(request: Request, visitor: Looking) -> Response:
        columns = ("Project", "Name", "Owner", "Operations", "Not in a snapshot", "Last snapshot", "Changed")
        page = ListPage("Canvas projects", "canvas", columns, (Choice("owner", "Owner"),), _read_projects)
        return show_list(frame, request, visitor, page)

    @pages.get("/admin/canvas/{project_id}")
    def show_project(request: Request, visitor: Looking, project_id: str, before: int | None = None) -> Response:
        with frame.services.database.begin() as connection:
            project = read_project(connection, project_id)
            end = project.next_op_index if before is None else before
            after = max(-1, end - SHOWN_OPERATIONS - 1)
            found = list_operations(connection, project_id, after=after, limit=SHOWN_OPERATIONS)
            snapshots = list_snapshots(connection, project_id)
        rows = [_operation_row(project_id, one) for one in reversed(found)]
        older = (address("canvas", project_id, before=found[0].op_index), "Older") if after >= 0 and found else None
        saved = [_snapshot_row(project_id, one) for one in snapshots]
        facts = [
            ("Owner", text(project.owner_uid)),
            ("Operations", number(project.next_op_index)),
            ("Members", text(", ".join(f"{uid} ({role})" for uid, role in project.collaborators.items()))),
        ]
        operations = Table(("Index", "What", "Element", "Data", "By", "At", "Undoes"), rows, "Nothing was drawn yet.")
        sections = [
            Section("Project", facts=facts),
            Section(
                "Snapshots",
                table=Table(("Snapshot", "Up to operation", "Name", "Made", "Cannot be used"), saved, "None yet."),
            ),
            Section("Operations, newest first", table=operations, more=older),
        ]
        links = [("asset in Dagster", f"{frame.services.settings.dagster_url.rstrip('/')}/assets/canvas/snapshots")]
        buttons = [Button("canvas.save", {"project": project_id})]
        return frame.show(request, visitor, Page(project.name, sections, project_id, None, links, buttons))


def _read_projects(connection: sa.Connection, query: Query) -> Found:
    found = list_projects(connection, owner=query.get("owner"), after=query.after, limit=query.limit + 1)

    def row(one: ListedProject) -> Row:
        page = address("canvas", one.project_id)
        return Row(
            (
                code(one.project_id, href=page),
                text(one.name, href=page),
                text(one.owner_uid, href=address("canvas", owner=one.owner_uid)),
                number(one.operations),
                number(one.unsaved),
                moment(one.last_snapshot_at),
                moment(one.updated_at),
            )
        )

    return paged(found, query.limit, row, lambda one: str(one.project_id))


def _operation_row(project_id: str, one: Applied) -> Row:
    what = msgspec.to_builtins(one.operation)
    names = [what.get("elementId"), *what.get("elementIds", ())]
    data = pretty(what.get("data", {})).replace("\n", " ")
    buttons = (
        () if one.inverse is None else (Button("canvas.undo", {"project": project_id, "op_index": str(one.op_index)}),)
    )
    cells = (
        number(one.op_index),
        text(str(one.operation.type)),
        code(", ".join(filter(None, names))[:120]),
        code(data[:160]),
        text(one.actor_uid),
        moment(one.created_at),
        number(one.undoes),
    )
    return Row(cells, buttons)


def _snapshot_row(project_id: str, one: Listed) -> Row:
    where = {"project": project_id, "snapshot": str(one.snapshot_id)}
    cells = (
        number(one.snapshot_id),
        number(one.op_index),
        text(one.name),
        moment(one.created_at),
        text(one.corrupt_reason),
    )
    return Row(cells, () if one.corrupt_reason else (Button("canvas.restore", where),))


def _add_collections(pages: APIRouter, frame: Frame) -> None:
    @pages.get("/admin/collections")
    def show_collections(request: Request, visitor: Looking) -> Response:
        columns = (
            "Number",
            "Kind",
            "Media",
            "Candidates",
            "Marked",
            "Deleted",
            "Freed",
            "Failed",
            "Refused because",
            "Began",
            "Ended",
        )
        lead = "Media that nothing refers to are marked, and deleted when their grace is over. Look at a dry run first."
        buttons = (Button("canvas.dry_run"), Button("canvas.collect"))
        page = ListPage("Collections", "collections", columns, (), _read_collections, lead, "None yet.", buttons)
        return show_list(frame, request, visitor, page)

    @pages.get("/admin/collections/{number_}")
    def show_collection(request: Request, visitor: Looking, number_: PathNumber) -> Response:
        with frame.services.database.begin() as connection:
            run, gone = read_run(connection, number_), tombstones(connection, number_)
        return frame.show(request, visitor, _collection_page(run, gone))


def _collection_page(run: sa.RowMapping, gone: Sequence[sa.RowMapping]) -> Page:
    facts = [(name.replace("_", " ").title(), _fact(name, value)) for name, value in run.items() if name != "id"]
    rows = [
        Row(
            (
                code(one["media_id"]),
                text(one["reason"]),
                code(one["storage_path"]),
                Cell(one["bytes"], Kind.BYTES),
                state(one["object_state"]),
                moment(one["deleted_at"]),
            )
        )
        for one in gone[:200]
    ]
    table = Table(("Medium", "Why", "Object", "Size", "Object is", "Deleted"), rows, "It deleted nothing.")
    buttons = [] if run["is_dry_run"] else [Button("canvas.undo_collection", {"number": str(run["id"])})]
    word = "dry run" if run["is_dry_run"] else "refused" if run["refused_reason"] else "done"
    sections = [Section("What it found and did", facts=facts), Section("Deleted", table=table)]
    return Page(f"Collection {run['id']}", sections, None, word, (), buttons)


def _fact(name: str, value: object) -> Cell:
    if isinstance(value, datetime):
        return moment(value)
    if name in {"bytes", "media_bytes"}:
        return Cell(value, Kind.BYTES)
    if isinstance(value, dict):
        return text(", ".join(f"{count} in {place.replace('_', ' ')}" for place, count in value.items() if count))
    return text(value)


def _read_collections(connection: sa.Connection, query: Query) -> Found:
    found = list_runs(connection, before=query.number(), limit=query.limit + 1)

    def row(one: sa.RowMapping) -> Row:
        kind = "dry run" if one["is_dry_run"] else "forced" if one["is_forced"] else "collection"
        return Row(
            (
                number(one["id"], href=address("collections", one["id"])),
                text(kind),
                number(one["media"]),
                number(one["candidates"]),
                number(one["marked"]),
                number(one["deleted"]),
                Cell(one["bytes"], Kind.BYTES),
                number(one["failed"]),
                text(one["refused_reason"]),
                moment(one["started_at"]),
                moment(one["finished_at"]),
            )
        )

    return paged(found, query.limit, row, lambda one: int(one["id"]))


def _save(doing: Doing) -> Done:
    project = doing.one("project")
    saved = save(doing.connection, project, name=doing.maybe("name"), created_by=doing.by)
    return Done(
        f"Snapshot {saved.snapshot_id}: {saved.element_count} elements, {size(saved.bytes)}"
        if saved
        else "Nothing is new"
    )


def _undo(doing: Doing) -> Done:
    project, index = doing.one("project"), doing.number("op_index")
    owner = read_project(doing.connection, project).owner_uid
    applied = undo(doing.connection, project, index, owner)
    return Done(f"Operation {index} is taken back by operation {applied.op_index}; undo that one to have it again")


def _ask_restore(doing: Doing) -> str:
    project, wanted = doing.one("project"), doing.number("snapshot")
    found = next((one for one in list_snapshots(doing.connection, project) if one.snapshot_id == wanted), None)
    if found is None:
        raise NotFoundError(f"The project {project} has no snapshot {wanted}")
    later = read_project(doing.connection, project).next_op_index - 1 - found.op_index
    return (
        f"The project goes back over {later} operations, to the state after operation "
        f"{found.op_index}, by new operations that can be taken back."
    )


def _restore(doing: Doing) -> Done:
    restored = restore(doing.connection, doing.one("project"), Target(doing.number("snapshot")))
    missing = f"; {len(restored.missing)} elements stay away, since their media are gone" if restored.missing else ""
    return Done(f"{len(restored.applied)} operations went back; it came from {restored.came_from}{missing}")


def _dry_run(doing: Doing) -> Done:
    return Done(f"The dry run is request {start_work(doing, COLLECT, {'dry_run': True}).id}; it deletes nothing")


def _ask_collect(doing: Doing) -> str:
    last = next(
        (one for one in list_runs(doing.connection, limit=20) if one["is_dry_run"] and one["finished_at"]), None
    )
    if last is None:
        return "There was no dry run yet, so nobody knows how many media this would mark or delete. Make one first."
    return (
        f"The last dry run, at {last['finished_at'].astimezone(UTC):%Y-%m-%d %H:%M} UTC, found "
        f"{last['candidates']} media to mark "
        f"and {last['deleted']} whose grace is over ({size(last['bytes'])}), of "
        f"{last['media']}. Marked ones can be kept for three days."
    )


def _collect(doing: Doing) -> Done:
    return Done(f"The collection is request {start_work(doing, COLLECT, {'dry_run': False}).id}")


def _undo_collection(doing: Doing) -> Done:
    undone = undo_run(doing.connection, doing.number("number"), datetime.now(UTC))
    return Done(f"{len(undone.kept)} media are kept; {len(undone.deleted)} had been deleted before")


ACTIONS: Final = (
    Action(
        "canvas.save",
        "Save a snapshot",
        Role.ENQUEUE,
        "project",
        _save,
        fields=(Field("name", "Name", hint="kept if it has one"),),
    ),
    Action("canvas.undo", "Undo", Role.ENQUEUE, "project", _undo),
    Action("canvas.restore", "Go back to it", Role.ENQUEUE, "project", _restore, _ask_restore, is_harmful=True),
    Action("canvas.dry_run", "Dry run", Role.ADMIN, "collection", _dry_run),
    Action("canvas.collect", "Collect", Role.ADMIN, "collection", _collect, _ask_collect, is_harmful=True),
    Action(
        "canvas.undo_collection",
        "Keep what it marked",
        Role.ADMIN,
        "collection",
        _undo_collection,
        named_by="number",
    ),
)
