"""The pages of trouble: errors by what they share, one of them whole, and bulk actions with a result for each item.

Keep out: what can be done about them (`queue_actions`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from orchestration.admin.bulk import CANARY_ITEMS, list_bulks, list_items, read_bulk, states_now
from orchestration.admin.errors import HOURS, KnownError, known_errors
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
    progress,
    state,
    text,
)
from orchestration.admin.places import task_address
from orchestration.api.models import PathNumber
from orchestration.errors import NotFoundError
from orchestration.work_queue.browsing import list_tasks

if TYPE_CHECKING:
    from fastapi import APIRouter

    from orchestration.admin.frame import Frame

SHOWN_TASKS = 20


def add_trouble_pages(pages: APIRouter, frame: Frame) -> None:
    """The pages of errors and of bulk actions."""
    _add_errors(pages, frame)
    _add_bulks(pages, frame)


def _add_errors(pages: APIRouter, frame: Frame) -> None:
    @pages.get("/admin/errors")
    def show_errors(request: Request, visitor: Looking) -> Response:
        names = [queue.name for queue in frame.domains.queues]
        columns = ("Error", "State", "Queue", "Tasks", f"Last {HOURS} h", "First died", "Last died")
        lead = "Dead tasks whose errors differ in names and numbers alone. Fix, replay five, look, then the rest."
        choices = (Choice("queue", "Queue", names), Choice("state", "State", ("open", "regressed", "resolved")))
        page = ListPage("Errors", "errors", columns, choices, _read_errors, lead, "Nothing is dead.")
        return show_list(frame, request, visitor, page)

    @pages.get("/admin/errors/{queue}/{fingerprint}")
    def show_error(request: Request, visitor: Looking, queue: str, fingerprint: str) -> Response:
        with frame.reading() as connection:
            found = known_errors(connection, queue, fingerprint, limit=1)
            tasks = list_tasks(connection, queue, "dead", fingerprint=fingerprint, limit=SHOWN_TASKS)
        if not found:
            raise NotFoundError(f"Nothing in {queue} is dead of this error any more")
        rows = [
            Row(
                (code(one.key, href=task_address(queue, one.key)), text(one.error), number(one.attempt), moment(one.at))
            )
            for one in tasks
        ]
        table = Table(("Task", "Error", "Attempts", "Died"), rows)
        more = (address("queues", queue, "tasks", state="dead", fingerprint=fingerprint), "All of them")
        sections = [*_error_sections(found[0]), Section("The newest of them", table=table, more=more)]
        where = {"queue": queue, "fingerprint": fingerprint}
        buttons = [
            Button("dead.canary", where),
            Button("dead.replay", where, f"Replay all {found[0].group.tasks}"),
            Button("error.resolve", where),
        ]
        return frame.show(request, visitor, Page(f"Error in {queue}", sections, None, found[0].state, (), buttons))


def _read_errors(connection: sa.Connection, query: Query) -> Found:
    wanted = query.get("state")
    found = [one for one in known_errors(connection, query.get("queue")) if wanted in {None, one.state}]
    return Found([_error_row(one) for one in found])


def _error_row(one: KnownError) -> Row:
    group = one.group
    href = (
        address("errors", group.queue, group.fingerprint)
        if group.fingerprint
        else address("queues", group.queue, "tasks", state="dead")
    )
    return Row(
        (
            text((group.error or group.reason)[:200], href=href),
            state(one.state),
            text(group.queue, href=address("queues", group.queue)),
            number(group.tasks),
            Cell(list(one.by_hour), Kind.TREND),
            moment(group.first_at),
            moment(group.last_at),
        )
    )


def _error_sections(one: KnownError) -> list[Section]:
    group = one.group
    facts = [
        ("Dead tasks", number(group.tasks)),
        ("Reason", text(group.reason)),
        ("First died", moment(group.first_at)),
        ("Last died", moment(group.last_at)),
        (f"In the last {HOURS} hours", number(sum(one.by_hour))),
        ("Hour by hour", Cell(list(one.by_hour), Kind.TREND)),
        ("Resolved", moment(one.resolved_at)),
        ("By", text(one.resolved_by)),
        ("Fingerprint", code(group.fingerprint)),
    ]
    return [Section("What is known", facts=facts), Section("The newest example", text=group.error or group.reason)]


def _add_bulks(pages: APIRouter, frame: Frame) -> None:
    @pages.get("/admin/bulk")
    def show_bulks(request: Request, visitor: Looking) -> Response:
        frame.bulk.wake()
        columns = ("Number", "Queue", "State", "Progress", "Items", "Replayed", "Gone", "Failed", "By", "Why", "Asked")
        page = ListPage("Bulk actions", "bulk", columns, (), _read_bulks, empty="None was ever asked for.")
        return show_list(frame, request, visitor, page)

    @pages.get("/admin/bulk/{number_}")
    def show_bulk(request: Request, visitor: Looking, number_: PathNumber) -> Response:
        frame.bulk.wake()
        with frame.reading() as connection:
            found, now = read_bulk(connection, number_), states_now(connection, number_)
            items = list_items(connection, number_, limit=SHOWN_TASKS)
        return frame.show(request, visitor, _bulk_page(found, now, items))

    @pages.get("/admin/bulk/{number_}/items")
    def show_items(request: Request, visitor: Looking, number_: PathNumber) -> Response:
        with frame.reading() as connection:
            queue = str(read_bulk(connection, number_)["queue"])
        columns = ("Task", "Result", "Message", "At", "Task is now")
        read = partial(_read_items, queue, number_)
        page = ListPage(f"Items of bulk action {number_}", f"bulk/{number_}/items", columns, (), read)
        return show_list(frame, request, visitor, page)


def _read_bulks(connection: sa.Connection, query: Query) -> Found:
    found = list_bulks(connection, before=query.number(), limit=query.limit + 1)

    def row(one: sa.RowMapping) -> Row:
        return Row(
            (
                number(one["id"], href=address("bulk", one["id"])),
                text(one["queue"]),
                state(one["state"]),
                progress(_percent(one)),
                number(one["total"]),
                number(one["replayed"]),
                number(one["gone"]),
                number(one["failed"]),
                text(one["asked_by"]),
                text(one["why"]),
                moment(one["asked_at"]),
            )
        )

    return paged(found, query.limit, row, lambda one: int(one["id"]))


def _percent(one: sa.RowMapping) -> float:
    done = int(one["total"]) - int(one["open"])
    return 100 * done / max(1, int(one["total"]))


def _bulk_page(one: sa.RowMapping, now: dict[str, int], items: list[sa.RowMapping]) -> Page:
    facts = [
        ("Progress", progress(_percent(one))),
        ("Items", number(one["total"])),
        ("Replayed", number(one["replayed"])),
        ("No longer dead", number(one["gone"])),
        ("Failed", number(one["failed"])),
        ("Asked by", text(one["asked_by"])),
        ("Asked", moment(one["asked_at"])),
        ("Why", text(one["why"])),
        ("Ended", moment(one["finished_at"])),
        ("Stopped by", text(one["stopped_by"])),
    ]
    where_now = [(name.title(), number(count)) for name, count in sorted(now.items())]
    queue, number_ = str(one["queue"]), one["id"]
    table = Table(("Task", "Result", "Message", "At", "Task is now"), [_item_row(queue, item) for item in items])
    sections = [
        Section("The set", facts=facts),
        Section("Where its tasks are now", facts=where_now, note="Watch these before you replay the rest."),
        Section("Items", table=table, more=(address("bulk", number_, "items"), "All")),
    ]
    buttons = [Button("bulk.stop", {"number": str(number_)})] if one["state"] == "running" else []
    if one["state"] == "completed" and one["fingerprint"] and one["total"] <= CANARY_ITEMS:
        buttons.append(Button("dead.replay", {"queue": queue, "fingerprint": one["fingerprint"]}, "Replay the rest"))
    links = [("queue", address("queues", queue)), ("all bulk actions", address("bulk"))]
    return Page(f"Replay {number_} of {queue}", sections, None, one["state"], links, buttons, is_live=True, seconds=2)


def _item_row(queue: str, item: sa.RowMapping) -> Row:
    key, message = str(item["key"]), item["message"]
    successor = task_address(queue, message) if message and item["outcome"] == "replayed" else None
    cells = (
        code(key, href=task_address(queue, key)),
        state(item["outcome"] or "open"),
        text(message, href=successor),
        moment(item["at"]),
        state(item["task_state"]),
    )
    return Row(cells)


def _read_items(queue: str, number_: int, connection: sa.Connection, query: Query) -> Found:
    after = query.number()
    found = list_items(connection, number_, after=-1 if after is None else after, limit=query.limit + 1)
    return paged(found, query.limit, lambda one: _item_row(queue, one), lambda one: int(one["position"]))
