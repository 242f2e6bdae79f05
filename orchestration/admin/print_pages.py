"""The pages of prints: order lines with pictures and state, and one of them whole, with its files and its solid.

Also what can be done: retry and refresh. Keep out: rendering.
"""

from __future__ import annotations

from functools import partial
from pathlib import PurePosixPath
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
    state,
    text,
)
from orchestration.admin.places import partition_address, task_links
from orchestration.admin.runs import runs_section
from orchestration.api.keys import Role
from orchestration.api.models import PathNumber
from orchestration.errors import ConfigurationError, ConflictError, NotFoundError
from orchestration.prints.orders.listing import ListedTask, OrderFilter, SkuStatus, list_tasks, sku_statuses
from orchestration.prints.orders.order_links import order_link
from orchestration.prints.solid.sku import is_supported
from orchestration.prints.statuses import OrderStatus, RenderState
from orchestration.prints.tasks.reset import TaskSelection, refresh, retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import APIRouter

    from orchestration.admin.frame import Frame

ASSET: Final = "prints/stl"
_COLUMNS = ("", "Task", "Order", "SKU", "Text", "Files", "Printing", "What is wrong")
_SKU_COLUMNS = ("SKU", "Pending", "Running", "Completed", "Failed", "Refused", "To review", "Last completed")


def add_print_pages(pages: APIRouter, frame: Frame) -> None:
    """The pages of prints."""

    @pages.get("/admin/prints")
    def show_prints(request: Request, visitor: Looking) -> Response:
        choices = (
            Choice("words", "Words or order", hint="Jason, or 1001"),
            Choice("sku", "SKU"),
            Choice("state", "Files", [str(one) for one in RenderState]),
            Choice("status", "Order", [str(one) for one in OrderStatus]),
            Choice("marketplace", "Marketplace"),
        )
        lead, links = "Each line of an order is a print task.", [("by SKU", address("prints", "skus"))]
        page = ListPage("Prints", "prints", _COLUMNS, choices, partial(_read, frame), lead, links=links)
        return show_list(frame, request, visitor, page)

    @pages.get("/admin/prints/skus")
    def show_skus(request: Request, visitor: Looking) -> Response:
        with frame.services.database.begin() as connection:
            found = sku_statuses(connection)
        table = Table(_SKU_COLUMNS, [_sku_row(frame, one) for one in found])
        page = Page("Prints by SKU", [Section("Every SKU that was ever ordered", table=table)])
        return frame.show(request, visitor, page)

    @pages.get("/admin/prints/{number_}")
    def show_print(request: Request, visitor: Looking, number_: PathNumber) -> Response:
        with frame.reading() as connection:
            found = list_tasks(connection, OrderFilter(task_id=number_))
            more = connection.execute(_MORE, {"task_id": number_}).mappings().one_or_none()
        if not found or more is None:
            raise NotFoundError(f"There is no print task {number_}")
        return frame.show(request, visitor, _print_page(frame, found[0], more))


def _sku_row(frame: Frame, one: SkuStatus) -> Row:
    return Row(
        (
            code(one.sku, href=address("prints", sku=one.sku)),
            number(one.pending),
            number(one.running),
            number(one.completed),
            number(one.failed),
            number(one.refused),
            number(one.to_review),
            moment(one.last_completed_at),
        ),
        (Button("prints.refresh_sku", {"sku": one.sku}),) if is_supported(one.sku) else (),
        partition_address(frame.services.settings, ASSET, one.sku),
    )


def _read(frame: Frame, connection: sa.Connection, query: Query) -> Found:
    states, orders = {str(one): one for one in RenderState}, {str(one): one for one in OrderStatus}
    wanted = OrderFilter(
        orders.get(query.get("status") or ""),
        states.get(query.get("state") or ""),
        query.get("sku"),
        query.get("marketplace"),
        limit=query.limit + 1,
        after=query.number(),
        words=query.get("words"),
    )
    return paged(list_tasks(connection, wanted), query.limit, partial(_row, frame), lambda one: int(one.task_id))


def _row(frame: Frame, one: ListedTask) -> Row:
    page = address("prints", one.task_id)
    shown = next((file["key"] for file in one.outputs if file["kind"] == "png"), None)
    buttons: tuple[Button, ...] = ()
    if one.render_state in {"failed", "completed"} and is_supported(one.sku):
        action = "prints.retry" if one.render_state == "failed" else "prints.refresh"
        buttons = (Button(action, {"task": str(one.task_id)}),)
    return Row(
        (
            picture(frame.link(shown) if shown else None, one.text, href=page),
            number(one.task_id, href=page),
            text(one.order_number, note=one.marketplace),
            code(one.sku, href=address("prints", sku=one.sku)),
            text(one.text, note=", ".join(_looks(one))),
            state(one.render_state),
            state(one.status),
            text(one.annotation or one.review_reason or one.why_pending(frame.domains.prints.statuses)),
        ),
        buttons,
        partition_address(frame.services.settings, ASSET, one.sku),
    )


def _looks(one: ListedTask) -> Iterator[str]:
    """The colours of a print, and how often it is wanted if that is more than once."""
    yield from filter(None, (one.color_1, one.color_2))
    if one.quantity > 1:
        yield f"{one.quantity} times"


def _print_page(frame: Frame, one: ListedTask, more: sa.RowMapping) -> Page:
    files = [(file, frame.link(file["key"], PurePosixPath(file["path"]).name)) for file in one.outputs]
    pictures = [
        Picture(frame.link(file["key"]), PurePosixPath(file["path"]).name) for file, _ in files if file["kind"] == "png"
    ]
    solid = next((frame.link(file["key"]) for file, _ in files if file["kind"] == "stl"), None)
    sections = [*_refusal(frame, more)]
    if pictures:
        sections.append(Section("Picture", pictures=pictures))
    if solid:
        sections.append(
            Section("Solid", solid=solid, note="Drag to turn it, scroll to come closer; or the arrow keys, + and -.")
        )
    sections += [
        _facts(one, more, one.why_pending(frame.domains.prints.statuses)),
        _files(files),
        runs_section(frame, ASSET, one.sku),
    ]
    links = [
        ("timeline", address("timeline", q=one.order_number)),
        *task_links(frame.domains, frame.domains.prints.print_queue, one.task_id),
        ("partition in Dagster", partition_address(frame.services.settings, ASSET, one.sku)),
        ("all prints of the order", order_link("", more["link_token"])),
    ]
    buttons = []
    if is_supported(one.sku):
        where = {"task": str(one.task_id)}
        buttons = [Button("prints.refresh", where)]
        if one.render_state == "failed":
            buttons.insert(0, Button("prints.retry", where))
    is_live = one.render_state in {"pending", "running"}
    title = f"{one.text or 'No text'} · {one.sku}"
    lead = f"Task {one.task_id} of order {one.order_number} ({one.marketplace})"
    return Page(title, sections, lead, one.render_state, links, buttons, is_live=is_live)


def _refusal(frame: Frame, more: sa.RowMapping) -> list[Section]:
    if more["refused_check"] is None:
        return []
    facts = [
        ("Problem", text(more["refused_problem"])),
        ("What to do", text(more["refused_remedy"])),
        ("Check", code(more["refused_check"])),
    ]
    shown = [Picture(frame.link(more["refused_picture"]), "What was refused")] if more["refused_picture"] else []
    return [Section("Refused", facts=facts, pictures=shown)]


def _facts(one: ListedTask, more: sa.RowMapping, why_pending: str | None) -> Section:
    facts: list[tuple[str, Cell]] = [
        ("Order", text(one.order_number, href=address("search", q=one.order_number))),
        ("Order's status", state(one.order_status)),
        ("Customer", text(one.customer_name)),
        ("Quantity", number(one.quantity)),
        ("Printing", state(one.status)),
        ("Colours", text(" / ".join(filter(None, (one.color_1, one.color_2))))),
        ("Ship by", text(more["ship_by_date"])),
        ("Retries", number(one.retries)),
        ("Last error", text(one.annotation)),
        ("Why it waits", text(why_pending)),
        ("To review", text(one.review_reason)),
        ("Rendering took", Cell(more["milliseconds"] and more["milliseconds"] / 1000, Kind.SECONDS)),
        ("Rendered", moment(more["rendered_at"])),
        ("Ordered", moment(more["created_at"])),
        ("Changed", moment(more["updated_at"])),
        ("Notes", text("; ".join(more["notes"] or []))),
    ]
    return Section("Task", facts=facts)


def _files(files: list[tuple[dict[str, Any], str]]) -> Section:
    rows = [
        Row(
            (
                text(file["kind"].upper()),
                text(file["path"], href=link),
                Cell(file["bytes"], Kind.BYTES),
                code(file["sha256"][:16]),
            )
        )
        for file, link in files
    ]
    return Section("Files", table=Table(("Kind", "File", "Size", "SHA-256"), rows, "No files yet."))


def _reset(doing: Doing, reset: Callable[..., list[int]], selection: TaskSelection) -> list[int]:
    prints = doing.domains.prints
    try:
        return reset(doing.connection, prints.print_queue, prints.statuses, selection)
    except ConfigurationError as error:  # a task that does not exist, or has no design
        raise NotFoundError(str(error)) from error


def _retry(doing: Doing) -> Done:
    task_id = doing.number("task")
    if not _reset(doing, retry, TaskSelection(task_id)):
        raise ConflictError(f"Print task {task_id} has not failed, or was cancelled; nothing was retried")
    return Done(f"Print task {task_id} is pending again")


def _refresh(doing: Doing) -> Done:
    task_id = doing.number("task")
    if not _reset(doing, refresh, TaskSelection(task_id)):
        raise ConflictError(f"Print task {task_id} was cancelled; nothing is rendered again")
    return Done(f"Print task {task_id} is pending again; its files are replaced when they are made")


def _ask_refresh_sku(doing: Doing) -> str:
    sku = doing.one("sku")
    found = next((one for one in sku_statuses(doing.connection) if one.sku == sku), None)
    if found is None:
        raise NotFoundError(f"{sku} was never ordered")
    total = found.pending + found.running + found.completed + found.failed + found.refused
    return (
        f"Up to {total} print tasks of {sku} are rendered again, those of them whose orders are printed now; "
        f"{found.completed} of them have files. Equal products are rendered once."
    )


def _refresh_sku(doing: Doing) -> Done:
    ids = _reset(doing, refresh, TaskSelection(skus=[doing.one("sku")]))
    return Done(f"{len(ids)} print tasks of {doing.one('sku')} are pending again")


ACTIONS: Final = (
    Action("prints.retry", "Retry", Role.ENQUEUE, "print", _retry, named_by="task"),
    Action("prints.refresh", "Refresh", Role.ENQUEUE, "print", _refresh, named_by="task"),
    Action("prints.refresh_sku", "Refresh all", Role.ENQUEUE, "sku", _refresh_sku, _ask_refresh_sku, is_harmful=True),
)

_MORE = sa.text("""
SELECT t.refused_check, t.refused_problem, t.refused_remedy, t.refused_picture, t.ship_by_date, t.created_at,
    t.updated_at, o.link_token, p.milliseconds, p.rendered_at, p.notes
FROM print_task AS t JOIN order_item AS i ON i.id = t.order_item_id JOIN shop_order AS o ON o.id = i.order_id
LEFT JOIN print_product AS p ON p.address = t.product_address WHERE t.id = :task_id""")
