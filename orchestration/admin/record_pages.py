"""The pages of records: requests and who asked, the audit with its export, notifications.

Keep out: what requests and actions do.
"""

from __future__ import annotations

import csv
import io
from functools import partial
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from orchestration.admin.audit import list_actions
from orchestration.admin.frame import Looking, address
from orchestration.admin.lists import Found, ListPage, Query, paged, show_list
from orchestration.admin.parts import Cell, Choice, Page, Row, Section, code, moment, number, state, text
from orchestration.admin.places import run_address, run_cell
from orchestration.admin.shown import pretty, words
from orchestration.api.models import PathNumber
from orchestration.domains import request_kinds
from orchestration.notifications.tables import NotificationState
from orchestration.observability.untrusted import for_spreadsheet
from orchestration.requests.requests import RequestState, read_request, request_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fastapi import APIRouter

    from orchestration.admin.frame import Frame

EXPORTED_AT_ONCE: Final = 1_000
_EXPORT_COLUMNS = (
    "id",
    "at",
    "caller",
    "role",
    "action",
    "target",
    "arguments",
    "outcome",
    "message",
    "http_request_id",
)


def add_record_pages(pages: APIRouter, frame: Frame) -> None:
    """The pages of records."""
    _add_requests(pages, frame)
    _add_audit(pages, frame)

    @pages.get("/admin/notifications")
    def show_notifications(request: Request, visitor: Looking) -> Response:
        columns = ("Number", "What happened", "Channel", "Event", "State", "Problem", "Queued", "Delivered")
        choices = (Choice("state", "State", [str(one) for one in NotificationState]), Choice("key", "What happened"))
        page = ListPage("Notifications", "notifications", columns, choices, _read_notifications)
        return show_list(frame, request, visitor, page)


def _add_requests(pages: APIRouter, frame: Frame) -> None:
    @pages.get("/admin/requests")
    def show_requests(request: Request, visitor: Looking) -> Response:
        columns = ("Number", "Kind", "State", "Asked by", "Run", "Error", "Asked", "Ended")
        choices = (
            Choice("kind", "Kind", sorted(request_kinds())),
            Choice("state", "State", [str(one) for one in RequestState]),
        )
        lead = "Work that people and programs asked for; Dagster does it, and writes here how it ended."
        return show_list(
            frame,
            request,
            visitor,
            ListPage("Requests", "requests", columns, choices, partial(_read_requests, frame), lead),
        )

    @pages.get("/admin/requests/{number_}")
    def show_request(request: Request, visitor: Looking, number_: PathNumber) -> Response:
        with frame.reading() as connection:
            one = read_request(connection, number_)
        facts = [
            ("Kind", text(one.kind)),
            ("Asked by", text(one.requested_by)),
            ("Asked", moment(one.requested_at)),
            ("Started", moment(one.started_at)),
            ("Ended", moment(one.finished_at)),
            ("Caller's id", code(one.request_id)),
            ("HTTP request", code(one.http_request_id)),
            ("Error", text(one.error)),
        ]
        links = [("its run in Dagster", run_address(frame.services.settings, one.run_id))] if one.run_id else []
        sections = [Section("Request", facts=facts), Section("What it was asked", text=pretty(one.arguments))]
        sections += [Section("What it reported", text=pretty(one.result))] if one.result else []
        is_live = one.finished_at is None
        return frame.show(
            request,
            visitor,
            Page(f"Request {number_}", sections, one.kind, one.state, links, (), is_live=is_live, seconds=2),
        )


def _read_requests(frame: Frame, connection: sa.Connection, query: Query) -> Found:
    kind, wanted = query.get("kind"), query.get("state")
    found = request_lines(connection, kind=kind, state=wanted, before=query.number(), limit=query.limit + 1)
    return paged(found, query.limit, partial(_request_row, frame), lambda one: int(one["id"]))


def _request_row(frame: Frame, one: sa.RowMapping) -> Row:
    page = address("requests", one["id"])
    return Row(
        (
            number(one["id"], href=page),
            text(one["kind"], href=page),
            state(one["state"]),
            text(one["requested_by"]),
            run_cell(frame.services.settings, one["run_id"]),
            text(one["error"]),
            moment(one["requested_at"]),
            moment(one["finished_at"]),
        )
    )


def _add_audit(pages: APIRouter, frame: Frame) -> None:
    @pages.get("/admin/audit")
    def show_audit(request: Request, visitor: Looking) -> Response:
        columns = ("Number", "At", "Who", "Role", "Action", "To what", "Outcome", "Message")
        choices = (
            Choice("caller", "Who"),
            Choice("action", "Action", sorted(frame.actions)),
            Choice("outcome", "Outcome", ("done", "refused")),
            Choice("target", "To what", hint="queue:mirror"),
        )
        lead = "Who did what on these pages, to what, and how it ended."
        links = (("all of it as CSV", address("audit.csv")),)
        page = ListPage("Audit", "audit", columns, choices, _read_audit, lead, links=links)
        return show_list(frame, request, visitor, page)

    @pages.get("/admin/audit.csv")
    def export_audit(visitor: Looking) -> Response:  # noqa: ARG001 - the guard
        headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
        return StreamingResponse(_exported(frame), media_type="text/csv; charset=utf-8", headers=headers)


def _exported(frame: Frame) -> Iterator[str]:
    """The whole audit as parts of a CSV file, newest first; only one part of it is held."""
    yield _csv_text([_EXPORT_COLUMNS])
    before: int | None = None
    while True:
        with frame.reading() as connection:
            found = list_actions(connection, before=before, limit=EXPORTED_AT_ONCE)
        if not found:
            return
        yield _csv_text([for_spreadsheet(words(one[name])) for name in _EXPORT_COLUMNS] for one in found)
        before = int(found[-1]["id"])


def _csv_text(rows: Iterable[Sequence[str]]) -> str:
    text_file = io.StringIO()
    csv.writer(text_file).writerows(rows)
    return text_file.getvalue()


def _read_audit(connection: sa.Connection, query: Query) -> Found:
    found = list_actions(
        connection,
        caller=query.get("caller"),
        action=query.get("action"),
        target=query.get("target"),
        outcome=query.get("outcome"),
        before=query.number(),
        limit=query.limit + 1,
    )
    return paged(found, query.limit, _audit_row, lambda one: int(one["id"]))


def _audit_row(one: sa.RowMapping) -> Row:
    cells: tuple[Cell, ...] = (
        number(one["id"]),
        moment(one["at"]),
        text(one["caller"], href=address("audit", caller=one["caller"])),
        text(one["role"]),
        text(one["action"]),
        code(one["target"], href=address("audit", target=one["target"])),
        state(one["outcome"]),
        text(one["message"]),
    )
    return Row(cells)


def _read_notifications(connection: sa.Connection, query: Query) -> Found:
    values = {"state": query.get("state"), "key": query.get("key"), "before": query.number(), "limit": query.limit + 1}
    found = connection.execute(_NOTIFICATIONS, values).mappings().all()

    def row(one: sa.RowMapping) -> Row:
        return Row(
            (
                number(one["id"]),
                code(one["key"], href=address("timeline", q=one["key"])),
                text(one["channel"]),
                text(one["event"]),
                state(one["state"]),
                text(one["problem"]),
                moment(one["created_at"]),
                moment(one["delivered_at"]),
            )
        )

    return paged(found, query.limit, row, lambda one: int(one["id"]))


_NOTIFICATIONS = sa.text("""
SELECT id, key, channel, event, state, problem, created_at, delivered_at FROM notification
WHERE (CAST(:state AS text) IS NULL OR state = :state) AND (CAST(:key AS text) IS NULL OR key = :key)
    AND (CAST(:before AS bigint) IS NULL OR id < :before)
ORDER BY id DESC LIMIT :limit""")
