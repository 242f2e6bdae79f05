"""The dashboard: what needs attention first, syncs under way, and a tile for each queue by its domain.

Keep out: the figures of queues (`figures`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from orchestration.admin.errors import count_regressed
from orchestration.admin.figures import TREND_HOURS, QueueFigures, queue_figures
from orchestration.admin.frame import Looking, address
from orchestration.admin.parts import Row, Table, moment, number, progress, text
from orchestration.admin.shown import span
from orchestration.catalogue.feed.sync_runs import supplier_statuses
from orchestration.domains import DOMAINS
from orchestration.storage.row_counts import read_row_counts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastapi import APIRouter

    from orchestration.admin.frame import Frame
    from orchestration.catalogue.feed.sync_runs import SupplierStatus

WINDOWS: Final = (1, 24, 168)
USUAL_WINDOW: Final = 24


class Attention(NamedTuple):
    """Something that waits for a person."""

    number: int
    words: str
    remedy: str
    href: str
    tone: str = "warn"


class Group(NamedTuple):
    """The tiles of a domain."""

    title: str
    tiles: Sequence[dict[str, Any]]


def add_dashboard(pages: APIRouter, frame: Frame) -> None:
    """The dashboard."""

    @pages.get("/admin")
    def show_dashboard(request: Request, visitor: Looking, hours: int = USUAL_WINDOW) -> Response:
        window = hours if hours in WINDOWS else USUAL_WINDOW
        domains = frame.domains
        with frame.reading() as connection:
            figures = {one.name: one for one in queue_figures(connection, domains.queues, window)}
            statuses = supplier_statuses(connection)
            attention = [*_of_queues(figures.values()), *_of_suppliers(statuses), *_of_rows(connection)]
        groups = [
            Group(name.title(), [_tile(figures[queue.name]) for queue in domains.named(name).queues])
            for name in DOMAINS
            if domains.named(name).queues
        ]
        return frame.render(
            request,
            visitor,
            "dashboard.html",
            title="Dashboard",
            windows=WINDOWS,
            hours=window,
            groups=groups,
            attention=sorted(attention, key=lambda one: (one.tone != "bad", -one.number)),
            syncs=_syncs(statuses),
        )


def _tile(one: QueueFigures) -> dict[str, Any]:
    own = {"href": address("queues", one.name), "is_paused": one.pause is not None, "is_late": one.is_late}
    return {**one._asdict(), **own, "trend_hours": TREND_HOURS}


def _of_queues(figures: Sequence[QueueFigures] | Any) -> Iterator[Attention]:  # noqa: ANN401 - a view of values
    for one in figures:
        page = address("queues", one.name)
        if one.dead:
            words = f"dead in {one.name}"
            yield Attention(
                one.dead,
                words,
                "Read the errors, fix the cause, begin with a few",
                address("errors", queue=one.name),
                "bad",
            )
        if one.is_late:
            late = f"waiting in {one.name}, the oldest for {span(one.oldest_seconds)}"
            yield Attention(
                one.waiting, late, f"Promised within {span(one.promise_seconds)}: are drains up?", page, "bad"
            )
        if one.pause is not None:
            yield Attention(1, f"queue paused: {one.name}", f"By {one.pause.paused_by}; resume it there", page)


def _of_suppliers(statuses: Sequence[SupplierStatus]) -> Iterator[Attention]:
    failed = [one for one in statuses if one.status == "failed"]
    if failed:
        words = f"suppliers whose sync failed: {', '.join(one.supplier for one in failed[:5])}"
        yield Attention(len(failed), words, "Read why, then start it again", address("suppliers"), "bad")
    held = sum(one.counts["held_back"] for one in statuses)
    if held:
        yield Attention(held, "families held back", "The guard keeps them: see the suppliers", address("suppliers"))


def _of_rows(connection: sa.Connection) -> Iterator[Attention]:
    found = connection.execute(_ATTENTION).one()
    prints = read_row_counts(connection, "print_task").get(("", "failed"))
    notices = read_row_counts(connection, "notification").get(("", "given up"))
    places = (
        (found.quarantined, "document", "in quarantine", "The supplier must fix them", address("quarantine")),
        (
            prints and prints.rows,
            "print",
            "failed or refused",
            "Each names its remedy",
            address("prints", state="failed"),
        ),
        (found.mockups, "mockup", "failed", "Read why, then retry", address("mockups", status="failed")),
        (
            notices and notices.rows,
            "notification",
            "given up",
            "Their receivers did not take them",
            address("notifications", state="given up"),
        ),
        (
            found.requests,
            "request",
            "failed in the last day",
            "Read what they say",
            address("requests", state="failed"),
        ),
        (found.lost, "worker", "silent for a minute", "Their tasks run elsewhere", address("workers")),
    )
    for count, noun, state, remedy, href in places:
        if count:
            yield Attention(count, f"{noun}{'' if count == 1 else 's'} {state}", remedy, href)
    if regressed := count_regressed(connection):
        yield Attention(regressed, "errors came again after they were resolved", "Look again", address("errors"), "bad")


def _syncs(statuses: Sequence[SupplierStatus]) -> Table | None:
    rows = [
        Row(
            (
                text(one.supplier, href=address("suppliers", one.supplier), note=one.name),
                text(one.progress.message),
                progress(100 * one.progress.completed / one.progress.total if one.progress.total else None),
                number(one.per_minute),
                text(span(one.eta_seconds)),
                moment(one.started_at),
            )
        )
        for one in statuses
        if one.status == "running"
    ]
    return Table(("Supplier", "Step", "Progress", "A minute", "Time left", "Since"), rows) if rows else None


_ATTENTION = sa.text("""
SELECT (SELECT count(*) FROM quarantine) AS quarantined,
    (SELECT count(*) FROM render_job WHERE deleted_at IS NULL AND status = 'failed') AS mockups,
    (SELECT count(*) FROM (
        SELECT state, requested_at FROM work_request ORDER BY id DESC LIMIT 500) AS newest
        WHERE state = 'failed' AND requested_at > statement_timestamp() - interval '1 day') AS requests,
    (SELECT count(*) FROM task_worker WHERE seen_at < statement_timestamp() - interval '1 minute') AS lost
""")
