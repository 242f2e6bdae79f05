"""Syncs: one row for each time a supplier's feed asked for work, and how far it has come.

It begins, stops and reads them. Keep out: the work itself, and counting what is settled (`sync_items`).

A sync always ends: as `completed` when its families and their images are settled, as `failed` when the feed or the plan
failed or a family is dead, as `stopped` when an operator stopped it or a newer sync took over what it waited for.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.catalogue.feed.suppliers import know_supplier
from orchestration.catalogue.feed.sync_items import add_families, adopt_items, count_items, forget_items
from orchestration.catalogue.tables import supplier, sync

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from orchestration.work_queue.queue import TaskQueue

MESSAGE_LENGTH = 2_000
TAKEN_OVER = "Taken over by a newer sync"


class SyncStep(StrEnum):
    """The steps of a sync; the first two are never seen but where they failed, since a plan is one transaction."""

    READING = "parsing_import"
    COMPARING = "hash_check"
    IMPORTING = "importing_families"
    MIRRORING = "mirroring_images"
    COMPLETE = "complete"


class SyncStart(NamedTuple):
    """What is known when a sync starts; counts of families, but for `rows_written`. `queued` are downloaded next."""

    supplier: str
    is_full: bool
    listed: int
    queued: Sequence[str]
    unchanged: int
    removed: int
    held_back: int
    quarantined: int
    message: str


class Written(NamedTuple):
    """What a batch downloaded and wrote for a sync."""

    documents: int = 0
    variants: int = 0
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


class SyncCounts(NamedTuple):
    """What several syncs did together."""

    added: int = 0
    changed: int = 0
    restored: int = 0
    removed: int = 0
    unchanged: int = 0
    quarantined: int = 0
    failed: int = 0
    held_back: int = 0
    documents: int = 0
    variants: int = 0
    rows_written: int = 0


COUNTED = (
    "added", "changed", "restored", "unchanged", "removed", "held_back", "quarantined", "failed", "images_failed",
)  # fmt: skip


def begin_sync(connection: sa.Connection, queue: TaskQueue, start: SyncStart) -> int:
    """Begin a sync and return its id. What an unfinished one of the supplier still waits for moves to this one.

    `queue` is that of the families.
    """
    earlier = list(connection.execute(_EARLIER, {"supplier": start.supplier}).scalars())
    _end(connection, earlier, TAKEN_OVER)
    values = start._asdict() | {"status": "running", "settled": 0}
    del values["queued"]
    sync_id = int(connection.execute(sa.insert(sync).values(values).returning(sync.c.id)).scalar_one())
    add_families(connection, sync_id, start.queued)
    if earlier:
        adopt_items(connection, sync_id, earlier, queue)
    count_items(connection, sync_id)
    return sync_id


def stop_sync(connection: sa.Connection, code: str, message: str) -> None:
    """Stop the supplier's running sync, if there is one."""
    running = list(connection.execute(_RUNNING, {"supplier": code}).scalars())
    _end(connection, running, message)
    for sync_id in running:
        forget_items(connection, sync_id)


def _end(connection: sa.Connection, sync_ids: Sequence[int], message: str) -> None:
    if sync_ids:
        running = sa.update(sync).where(sync.c.id.in_(sync_ids), sync.c.status == "running")
        connection.execute(running.values(status="stopped", message=message, finished_at=sa.func.now()))


def record_failed_sync(connection: sa.Connection, code: str, step: SyncStep, message: str) -> int:
    """Record a sync that ended before anything was queued, and return its id.

    The same failure again moves the end of its row, so that a feed that is away for a day is one row and not a
    thousand.
    """
    know_supplier(connection, code)
    message = message[:MESSAGE_LENGTH]
    newest = connection.execute(_NEWEST, {"supplier": code}).first()
    if newest and (newest.status, newest.step, newest.message) == ("failed", step.value, message):
        again = sa.update(sync).where(sync.c.id == newest.id)
        connection.execute(again.values(finished_at=sa.func.now()))
        return int(newest.id)
    values = {"supplier": code, "status": "failed", "step": step.value, "message": message}
    ended = sa.insert(sync).values(values | {"finished_at": sa.func.now()})
    return int(connection.execute(ended.returning(sync.c.id)).scalar_one())


def count_written(connection: sa.Connection, sync_id: int, written: Written) -> None:
    """Add what a batch downloaded and wrote."""
    moved = {name: sync.c[name] + value for name, value in written._asdict().items() if value}
    if moved:
        connection.execute(sa.update(sync).where(sync.c.id == sync_id).values(moved))


def sync_counts(connection: sa.Connection, sync_ids: Sequence[int]) -> SyncCounts:
    """What these syncs have done so far, together."""
    sums = (sa.func.coalesce(sa.func.sum(sync.c[name]), 0).label(name) for name in SyncCounts._fields)
    row = connection.execute(sa.select(*sums).where(sync.c.id.in_(sync_ids))).mappings().one()
    return SyncCounts(**{name: int(value) for name, value in row.items()})


def supplier_statuses(connection: sa.Connection) -> list[SupplierStatus]:
    """The state of each supplier: by its running sync, or else by its newest one."""
    # Each by an index, of however many syncs there were.
    other = sync.alias()
    own = sa.select(other.c.id).where(other.c.supplier == supplier.c.code).order_by(other.c.id.desc()).limit(1)
    shown = sa.func.coalesce(own.where(other.c.status == "running").scalar_subquery(), own.scalar_subquery())
    elapsed = sa.func.extract("epoch", sa.func.coalesce(sync.c.finished_at, sa.func.now()) - sync.c.started_at)
    statement = (
        sa.select(supplier.c.code, supplier.c.name, sync, sa.cast(elapsed, sa.Float).label("elapsed"))
        .select_from(supplier.outerjoin(sync, sync.c.id == shown))
        .order_by(supplier.c.code)
    )
    return [_status(row) for row in connection.execute(statement).mappings()]


def _status(row: sa.RowMapping) -> SupplierStatus:
    settled, planned = row["settled"] or 0, row["planned"] or 0
    rate = 60 * settled / row["elapsed"] if settled and row["elapsed"] else None
    is_importing = row["status"] == "running" and settled < planned
    return SupplierStatus(
        supplier=row["code"],
        name=row["name"],
        status=row["status"] or "never",
        message=row["message"] or _dead(row),
        counts={name: row[name] or 0 for name in COUNTED},
        progress=_progress(row),
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        per_minute=rate,
        eta_seconds=60 * (planned - settled) / rate if rate and is_importing else None,
    )


def _dead(row: sa.RowMapping) -> str:
    """What a sync failed by that read and compared its feed; a replay of them can still complete it."""
    if row["status"] != "failed" or not row["failed"]:
        return ""
    families = "1 family is" if row["failed"] == 1 else f"{row['failed']} families are"
    return f"{families} dead; `orchestration queue dead product-family` names the errors, and after a fix replay them"


def _progress(row: sa.RowMapping) -> Progress:
    step = SyncStep(row["step"] or SyncStep.COMPLETE)
    if step is SyncStep.READING:
        return Progress(step, 0, 0, "The feed could not be read")
    if step is SyncStep.COMPARING:
        return Progress(step, 0, 0, "The feed could not be compared with what is stored")
    settled, planned = row["settled"] or 0, row["planned"] or 0
    if step is SyncStep.MIRRORING:
        return Progress(
            step, row["images_settled"], row["images"], f"{row['images_settled']} of {row['images']} images"
        )
    message = f"{settled} of {planned} families" if planned else "Nothing to download"
    dead = f", {row['images_failed']} of {row['images']} images dead" if row["images_failed"] else ""
    return Progress(step, settled, planned, message + dead)


# Syncs that a newer one of the same supplier takes over: their rows are locked before their items.
_EARLIER = sa.text("""
    SELECT id FROM sync WHERE supplier = :supplier
        AND (status = 'running' OR EXISTS (SELECT FROM sync_item AS i WHERE i.sync_id = sync.id))
    ORDER BY id FOR NO KEY UPDATE
""")
_RUNNING = sa.text("SELECT id FROM sync WHERE supplier = :supplier AND status = 'running' FOR NO KEY UPDATE")
_NEWEST = sa.text(
    "SELECT id, status, step, message FROM sync WHERE supplier = :supplier ORDER BY id DESC LIMIT 1 FOR NO KEY UPDATE"
)
