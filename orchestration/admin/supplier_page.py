"""One supplier whole: its newest sync and those before, its quarantine, the lines of its feed with something wrong.

Keep out: what can be done (`catalogue_actions`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from orchestration.admin.catalogue_pages import SYNC_COLUMNS, sync_row
from orchestration.admin.frame import Looking, address
from orchestration.admin.parts import Button, Cell, Kind, Page, Row, Section, Table, code, moment, number, text
from orchestration.admin.places import partition_address
from orchestration.catalogue.families.quarantine import list_quarantine
from orchestration.catalogue.feed.problems import list_problems
from orchestration.catalogue.feed.sync_runs import SupplierStatus, supplier_statuses
from orchestration.catalogue.listing import list_syncs
from orchestration.errors import NotFoundError

if TYPE_CHECKING:
    from fastapi import APIRouter

    from orchestration.admin.frame import Frame

SHOWN = 20


def add_supplier_page(pages: APIRouter, frame: Frame) -> None:
    """One supplier."""

    @pages.get("/admin/suppliers/{supplier}")
    def show_supplier(request: Request, visitor: Looking, supplier: str) -> Response:
        with frame.reading() as connection:
            status = next((one for one in supplier_statuses(connection) if one.supplier == supplier), None)
            if status is None:
                raise NotFoundError(f"There is no supplier {supplier}")
            sections = [_newest_sync(status), *_records(connection, supplier)]
        links = [
            ("families", address("families", supplier=supplier)),
            ("partition in Dagster", partition_address(frame.services.settings, "catalogue/supplier_feed", supplier)),
        ]
        action = "sync.stop" if status.status == "running" else "sync.start"
        buttons = [Button(action, {"supplier": supplier})]
        title = f"{supplier}: {status.name}"
        page = Page(title, sections, None, status.status, links, buttons, is_live=True, seconds=2)
        return frame.show(request, visitor, page)


def _newest_sync(status: SupplierStatus) -> Section:
    done = status.progress
    facts = [
        ("Step", text(done.message)),
        ("Progress", Cell(100 * done.completed / done.total if done.total else None, Kind.PROGRESS)),
        ("Families a minute", number(status.per_minute)),
        ("Time left", Cell(status.eta_seconds, Kind.SECONDS)),
        ("Started", moment(status.started_at)),
        ("Ended", moment(status.finished_at)),
        ("Message", text(status.message)),
        *((name.replace("_", " ").title(), number(count)) for name, count in status.counts.items()),
    ]
    return Section("The newest sync", facts=facts)


def _records(connection: sa.Connection, supplier: str) -> list[Section]:
    syncs = [sync_row(one) for one in list_syncs(connection, supplier=supplier, limit=SHOWN)]
    bad = [
        Row(
            (
                code(one.a_number, href=address("explain", one.a_number)),
                code(one.path),
                text(one.reason),
                moment(one.since),
            )
        )
        for one in list_quarantine(connection, supplier, limit=SHOWN)
    ]
    odd = [
        Row((text(str(one)), text(one.reason), text("refused" if one.is_refused else "taken all the same")))
        for one in list_problems(connection, [supplier])[:SHOWN]
    ]
    quarantine = Table(("Family", "Path", "Reason", "Since"), bad, "No document is in quarantine.")
    return [
        Section("Last syncs", table=Table(SYNC_COLUMNS, syncs), more=(address("syncs", supplier=supplier), "All")),
        Section("Quarantine", table=quarantine, more=(address("quarantine", supplier=supplier), "All")),
        Section("Lines of the feed with something wrong", table=Table(("Line", "Reason", "It was"), odd, "None.")),
    ]
