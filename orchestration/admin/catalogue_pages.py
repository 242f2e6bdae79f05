"""The lists of the catalogue: families with pictures, suppliers and their syncs, changes, the quarantine.

Keep out: one family or supplier whole (`family_page`, `supplier_page`), and what can be done (`catalogue_actions`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from orchestration.admin.frame import Looking, address
from orchestration.admin.lists import Found, ListPage, Query, paged, show_list
from orchestration.admin.media import stored_forms
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
    picture,
    progress,
    state,
    text,
)
from orchestration.admin.places import partition_address
from orchestration.admin.shown import span, words
from orchestration.catalogue.families.quarantine import list_quarantine
from orchestration.catalogue.feed.sync_runs import SupplierStatus, supplier_statuses
from orchestration.catalogue.listing import ChangeFilter, FamilyFilter, list_changes, list_families, list_syncs

if TYPE_CHECKING:
    from fastapi import APIRouter

    from orchestration.admin.frame import Frame

SYNC_COLUMNS = (
    "Number",
    "Supplier",
    "Status",
    "Step",
    "Progress",
    "Added",
    "Changed",
    "Removed",
    "Held back",
    "Failed",
    "Images failed",
    "Message",
    "Started",
    "Ended",
)
CHANGE_COLUMNS = ("Family", "Of", "Kind", "Field", "Before", "After", "Sync", "At")
_LONGEST_VALUE = 160


def add_catalogue_pages(pages: APIRouter, frame: Frame) -> None:
    """The lists."""
    _add_families(pages, frame)
    _add_suppliers(pages, frame)
    _add_records(pages, frame)


def _add_families(pages: APIRouter, frame: Frame) -> None:
    @pages.get("/admin/families")
    def show_families(request: Request, visitor: Looking) -> Response:
        columns = ("", "Number", "Name", "Supplier", "Category", "Price", "Colours", "State", "Synced")
        choices = (
            Choice("words", "Number or words", hint="A23-1008 or steel bottle"),
            Choice("supplier", "Supplier"),
            Choice("category", "Category"),
            Choice("brand", "Brand"),
            Choice("active", "Published", ("yes", "no")),
        )
        page = ListPage("Families", "families", columns, choices, partial(_read_families, frame), is_live=False)
        return show_list(frame, request, visitor, page)


def _read_families(frame: Frame, connection: sa.Connection, query: Query) -> Found:
    active = {"yes": True, "no": False}.get(query.get("active") or "")
    wanted = FamilyFilter(
        query.get("supplier"), query.get("category"), query.get("brand"), is_active=active, words=query.get("words")
    )
    found = list_families(connection, wanted, after=query.after, limit=query.limit + 1)
    thumbs = stored_forms(connection, [one["main_image"] for one in found])

    def row(one: sa.RowMapping) -> Row:
        page = address("families", one["a_number"])
        key = thumbs.get(one["main_image"] or "")
        prices = (
            ""
            if one["price_min"] is None
            else f"{one['price_min']:.2f}\u00a0\u2013\u00a0{one['price_max'] or one['price_min']:.2f}"
        )
        return Row(
            (
                picture(frame.link(key) if key else None, f"Picture of {one['a_number']}", href=page),
                code(one["a_number"], href=page),
                text(by_language(one["name"]), note=f"{one['variant_count']} variants"),
                text(one["supplier"], href=address("suppliers", one["supplier"])),
                code(one["category"]),
                text(prices),
                colours(one),
                state("published" if one["is_active"] else "removed"),
                moment(one["synced_at"]),
            ),
            partition=partition_address(frame.services.settings, "catalogue/product_families", one["a_number"]),
        )

    return paged(found, query.limit, row, lambda one: str(one["a_number"]))


def by_language(texts: dict[str, str] | None) -> str | None:
    """A text in English, or else in the first language that it has."""
    return (texts or {}).get("en") or next(iter((texts or {}).values()), None)


def _add_suppliers(pages: APIRouter, frame: Frame) -> None:
    @pages.get("/admin/suppliers")
    def show_suppliers(request: Request, visitor: Looking) -> Response:
        with frame.reading() as connection:
            statuses = supplier_statuses(connection)
        columns = (
            "Supplier",
            "Status",
            "Progress",
            "Time left",
            "Added",
            "Changed",
            "Removed",
            "Held back",
            "In quarantine",
            "Failed",
            "Images failed",
            "Last sync",
        )
        table = Table(columns, [_supplier_row(frame, one) for one in statuses], "No supplier was ever synced.")
        page = Page(
            "Suppliers",
            [Section("With their newest sync", table=table)],
            is_live=True,
            seconds=2,
            buttons=[Button("sync.start", {}, "Sync all")],
        )
        return frame.show(request, visitor, page)

    @pages.get("/admin/syncs")
    def show_syncs(request: Request, visitor: Looking) -> Response:
        choices = (
            Choice("supplier", "Supplier"),
            Choice("status", "Status", ("running", "completed", "failed", "stopped")),
        )
        page = ListPage("Syncs", "syncs", SYNC_COLUMNS, choices, _read_syncs)
        return show_list(frame, request, visitor, page)


def _supplier_row(frame: Frame, one: SupplierStatus) -> Row:
    counts = one.counts
    kinds = ("added", "changed", "removed", "held_back", "quarantined", "failed", "images_failed")
    is_running = one.status == "running"
    done = 100 * one.progress.completed / one.progress.total if one.progress.total and is_running else None
    action = "sync.stop" if is_running else "sync.start"
    return Row(
        (
            text(one.supplier, href=address("suppliers", one.supplier), note=one.name),
            state(one.status),
            progress(done) if is_running else text(one.progress.message),
            text(span(one.eta_seconds) if is_running else None),
            *(number(counts[kind]) for kind in kinds),
            moment(one.finished_at or one.started_at),
        ),
        (Button(action, {"supplier": one.supplier}, is_short=True),),
        partition_address(frame.services.settings, "catalogue/supplier_feed", one.supplier),
    )


def sync_row(one: sa.RowMapping) -> Row:
    """A sync in a list."""
    total, done = one["planned"], one["settled"]
    return Row(
        (
            number(one["id"], href=address("changes", sync=one["id"])),
            text(one["supplier"], href=address("suppliers", one["supplier"])),
            state(one["status"]),
            text(one["step"].replace("_", " ")),
            progress(100 * done / total if total and one["finished_at"] is None else None),
            *(number(one[name]) for name in ("added", "changed", "removed", "held_back", "failed", "images_failed")),
            text(one["message"]),
            moment(one["started_at"]),
            moment(one["finished_at"]),
        )
    )


def _read_syncs(connection: sa.Connection, query: Query) -> Found:
    supplier, status = query.get("supplier"), query.get("status")
    found = list_syncs(connection, supplier=supplier, status=status, before=query.number(), limit=query.limit + 1)
    return paged(found, query.limit, sync_row, lambda one: int(one["id"]))


def _add_records(pages: APIRouter, frame: Frame) -> None:
    @pages.get("/admin/changes")
    def show_changes(request: Request, visitor: Looking) -> Response:
        choices = (
            Choice("family", "Family"),
            Choice("sync", "Sync"),
            Choice("field", "Field", hint="price_min"),
            Choice("kind", "Kind", ("added", "changed", "removed", "restored")),
        )
        page = ListPage("Changes", "changes", CHANGE_COLUMNS, choices, _read_changes, is_live=False)
        return show_list(frame, request, visitor, page)

    @pages.get("/admin/quarantine")
    def show_quarantine(request: Request, visitor: Looking) -> Response:
        columns = ("Family", "Supplier", "Code", "Path", "Reason", "Bytes", "Since")
        lead = "Documents that cannot be used. The supplier must send another; until then the family stays as it was."
        page = ListPage(
            "Quarantine",
            "quarantine",
            columns,
            (Choice("supplier", "Supplier"),),
            _read_quarantine,
            lead,
            "No document is in quarantine.",
        )
        return show_list(frame, request, visitor, page)


def colours(family: sa.RowMapping, most: int = 12) -> Cell:
    """The colours of a family as swatches, or by name where the supplier gives no value."""
    if known := family["hex_colors"][:most]:
        return Cell(known, Kind.SWATCHES)
    return text(", ".join(family["available_colors"][:most]))


def change_row(one: sa.RowMapping) -> Row:
    """A change in a list, with what was before and after."""
    return Row(
        (
            code(one["a_number"], href=address("families", one["a_number"])),
            text(one["entity"], note=one["key"]),
            state(one["kind"]),
            text(one["field"]),
            code(_short(one["before"])),
            code(_short(one["after"])),
            number(one["sync_id"]),
            moment(one["at"]),
        )
    )


def _short(value: object) -> str | None:
    if value is None:
        return None
    shown = words(value)
    return shown if len(shown) <= _LONGEST_VALUE else f"{shown[:_LONGEST_VALUE]}…"


def _read_changes(connection: sa.Connection, query: Query) -> Found:
    given = query.get("sync")
    sync = int(given) if given and given.isascii() and given.isdecimal() else None
    wanted = ChangeFilter(sync, query.get("family"), kind=query.get("kind"), field=query.get("field"))
    found = list_changes(connection, wanted, after=query.number(), limit=query.limit + 1, is_newest_first=True)
    return paged(found, query.limit, change_row, lambda one: int(one["id"]))


def _read_quarantine(connection: sa.Connection, query: Query) -> Found:
    begin = query.number() or 0
    found = list_quarantine(connection, query.get("supplier"), begin=begin, limit=query.limit + 1)
    rows = [
        Row(
            (
                code(one.a_number, href=address("explain", one.a_number)),
                text(one.supplier),
                text(one.code),
                code(one.path),
                text(one.reason),
                Cell(one.document_bytes, Kind.BYTES),
                moment(one.since),
            )
        )
        for one in found[: query.limit]
    ]
    return Found(rows, begin + query.limit if len(found) > query.limit else None)
