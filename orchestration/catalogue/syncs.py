"""Syncs: one row for each time a supplier's feed asked for work, and how far it has come.

Belongs here: starting, counting, ending, and reading progress. Does not: the work.

Counts move in the transaction that writes what they count, so a killed worker leaves them exact. The one that counts
the last family ends the sync.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.catalogue.tables import supplier, sync

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

MESSAGE_LENGTH = 2_000


class SyncStart(NamedTuple):
    """What is known when a sync starts; counts of families."""

    supplier: str
    is_full: bool
    listed: int
    planned: int
    unchanged: int
    removed: int
    held_back: int
    quarantined: int
    message: str


class SyncStep(NamedTuple):
    """What one batch did to a sync; counts of families, but for the rows and documents."""

    added: int = 0
    changed: int = 0
    restored: int = 0
    unchanged: int = 0
    quarantined: int = 0
    failed: int = 0
    documents: int = 0
    rows_written: int = 0


class Progress(NamedTuple):
    """How far a sync has come."""

    step: str
    completed: int
    total: int
    message: str


class SupplierStatus(NamedTuple):
    """A supplier at a glance. `per_minute` and `eta_seconds` are known while families are being imported."""

    supplier: str
    name: str
    status: str
    message: str
    counts: dict[str, int]
    progress: Progress
    started_at: datetime | None
    finished_at: datetime | None
    per_minute: float | None
    eta_seconds: float | None


COUNTED = ("added", "changed", "restored", "unchanged", "removed", "held_back", "quarantined", "failed")


def begin_sync(connection: sa.Connection, start: SyncStart) -> int:
    """Start a sync; its id. One that never ended is closed as taken over: its waiting families move to this one."""
    end_running(connection, start.supplier, message="Taken over by a newer sync")
    finished = sa.func.now() if start.planned == 0 else None
    values = start._asdict() | {
        "status": "completed" if start.planned == 0 else "running",
        "finished_at": finished,
        "settled": 0,
    }
    return int(connection.execute(sa.insert(sync).values(values).returning(sync.c.id)).scalar_one())


def end_running(connection: sa.Connection, code: str, message: str) -> None:
    """End the supplier's running sync as failed, if there is one."""
    statement = sa.update(sync).where(sync.c.supplier == code, sync.c.status == "running")
    connection.execute(statement.values(status="failed", message=message, finished_at=sa.func.now()))


def count_step(connection: sa.Connection, sync_id: int, step: SyncStep) -> None:
    """Add what a batch did; the step that settles the last planned family ends the sync."""
    settled = sum(step[: SyncStep._fields.index("documents")])
    moved = {name: sync.c[name] + value for name, value in step._asdict().items() if value}
    connection.execute(
        sa.update(sync).where(sync.c.id == sync_id).values(moved | {"settled": sync.c.settled + settled})
    )
    done = sa.update(sync).where(sync.c.id == sync_id, sync.c.status == "running", sync.c.settled >= sync.c.planned)
    connection.execute(
        done.values(status=sa.case((sync.c.failed > 0, "failed"), else_="completed"), finished_at=sa.func.now())
    )


def supplier_statuses(connection: sa.Connection, codes: Sequence[str] | None = None) -> list[SupplierStatus]:
    """The state of each supplier, or of those in `codes`, by its newest sync."""
    newest = sa.select(sync).distinct(sync.c.supplier).order_by(sync.c.supplier, sync.c.id.desc()).subquery()
    elapsed = sa.func.extract("epoch", sa.func.coalesce(newest.c.finished_at, sa.func.now()) - newest.c.started_at)
    statement = (
        sa.select(supplier.c.code, supplier.c.name, newest, sa.cast(elapsed, sa.Float).label("elapsed"))
        .outerjoin(newest, newest.c.supplier == supplier.c.code)
        .order_by(supplier.c.code)
    )
    if codes is not None:
        statement = statement.where(supplier.c.code.in_(codes))
    return [_status(row) for row in connection.execute(statement).mappings()]


def _status(row: sa.RowMapping) -> SupplierStatus:
    counts = {name: row[name] or 0 for name in COUNTED}
    settled, planned = row["settled"] or 0, row["planned"] or 0
    rate = 60 * settled / row["elapsed"] if settled and row["elapsed"] else None
    is_running = row["status"] == "running"
    return SupplierStatus(
        supplier=row["code"],
        name=row["name"],
        status=row["status"] or "never",
        message=row["message"] or "",
        counts=counts,
        progress=_progress(is_running=is_running, settled=settled, planned=planned),
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        per_minute=rate,
        eta_seconds=60 * (planned - settled) / rate if rate and is_running else None,
    )


def _progress(*, is_running: bool, settled: int, planned: int) -> Progress:
    step = "importing_families" if is_running else "complete"
    message = f"{settled} of {planned} families" if planned else "Nothing to download"
    return Progress(step, settled, planned, message)
