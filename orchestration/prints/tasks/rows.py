"""Print tasks as a batch begins with them: what to render, and whether to render it now.

Keep out: how they end (`records`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.prints.tasks.pending import JOINED

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime

    from orchestration.prints.solid.request import Request
    from orchestration.prints.statuses import OrderStatus
    from orchestration.rendering.pool import Worker


class TaskRow(NamedTuple):
    """A print task with its order. `is_begun` tells that it is running now; if not, it is done or not due any more."""

    id: int
    sku: str
    custom_text: str
    color_1: str | None
    color_2: str | None
    revision: int
    order_id: int
    marketplace: str
    order_number: str
    shipstation_order_id: int | None
    import_note: str | None
    quantity: int
    ship_by_date: date | None
    link_token: str
    is_begun: bool


class StoredFiles(NamedTuple):
    """The files that a task has: their object keys, and the SKU, lines and colours that they were made for."""

    keys: Sequence[str]
    sku: str
    lines: Sequence[str]
    body_color: str
    text_color: str

    def fit(self, request: Request) -> bool:
        """Whether the request asks for what they show."""
        body, text = (filament.name for filament in request.filaments)
        shown = (request.line.sku, request.shown, body, text)
        return shown == (self.sku, tuple(self.lines), self.body_color, self.text_color)


class Begun(NamedTuple):
    """The rows of tasks by id, and the ids of those that another transaction has locked."""

    rows: dict[int, TaskRow]
    locked: frozenset[int]


# The claim of the queue's task owns the print task, so one that is still running was left so by a dead process.
_BEGIN = sa.text(f"""
WITH wanted AS MATERIALIZED (
    SELECT t.id, p.sku, t.custom_text, t.color_1, t.color_2, t.revision,
        o.id AS order_id, o.marketplace, o.order_number, o.shipstation_order_id, t.import_note,
        t.quantity, t.ship_by_date, o.link_token,
        t.stl_render_state IN ('pending', 'running') AND t.status <> 'cancelled'
            AND (o.order_status = ANY (CAST(:statuses AS text[])) OR t.id = ANY (CAST(:any_status AS bigint[])))
            AS is_due
    FROM {JOINED}
    WHERE t.id = ANY (CAST(:ids AS bigint[]))
    ORDER BY t.id FOR UPDATE OF t SKIP LOCKED
), begun AS (
    UPDATE print_task AS t SET
        stl_render_state = 'running', render_pid = :pid, render_started_at = :now, updated_at = :now
    FROM wanted WHERE t.id = wanted.id AND wanted.is_due
)
SELECT * FROM wanted""")  # noqa: S608 - of our own constants

_NOTE_WORKERS = sa.text("""
UPDATE print_task AS t SET render_pid = w.pid, render_started_at = w.since
FROM unnest(CAST(:ids AS bigint[]), CAST(:pids AS integer[]), CAST(:moments AS timestamptz[])) AS w (id, pid, since)
WHERE t.id = w.id AND t.stl_render_state = 'running' AND t.id IN (
    SELECT id FROM print_task WHERE id = ANY (CAST(:ids AS bigint[])) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)""")

_EXISTING = sa.text("SELECT id FROM print_task WHERE id = ANY (CAST(:ids AS bigint[]))")

_STORED = sa.text("""
SELECT f.task_id, array_agg(DISTINCT f.object_key), p.sku, p.lines, p.body_color, p.text_color
FROM print_output AS f JOIN print_task AS t ON t.id = f.task_id JOIN print_product AS p ON p.address = t.product_address
WHERE f.task_id = ANY (CAST(:ids AS bigint[])) GROUP BY f.task_id, p.address""")

_SKUS = sa.text(f"SELECT t.id, p.sku FROM {JOINED} WHERE t.id = ANY (CAST(:ids AS bigint[]))")  # noqa: S608 - as above


def begin_tasks(
    connection: sa.Connection,
    ids: Collection[int],
    *,
    statuses: Sequence[OrderStatus],
    any_status: Collection[int],
    pid: int,
    now: datetime,
) -> Begun:
    """Set those that are due to running, with the drain's process and the time.

    Orders in `statuses` qualify, and the tasks in `any_status`. A row that another transaction has locked is passed
    over, so that it does not hold up the others.
    """
    values = {"statuses": list(statuses), "any_status": list(any_status), "pid": pid, "now": now}
    found = connection.execute(_BEGIN, {"ids": list(ids), **values})
    rows = {row.id: TaskRow(*row) for row in found}
    missing = [task_id for task_id in ids if task_id not in rows]
    locked = connection.execute(_EXISTING, {"ids": missing}).scalars() if missing else ()
    return Begun(rows, frozenset(locked))


def note_workers(connection: sa.Connection, workers: Mapping[int, Worker]) -> None:
    """Write which process renders each of these tasks, and since when; one that has ended meanwhile stays as it is."""
    values = {
        "ids": list(workers),
        "pids": [worker.pid for worker in workers.values()],
        "moments": [worker.since for worker in workers.values()],
    }
    connection.execute(_NOTE_WORKERS, values)


def stored_files(connection: sa.Connection, ids: Collection[int]) -> dict[int, StoredFiles]:
    """The files of those of the tasks that have any, by id."""
    if not ids:
        return {}
    return {task_id: StoredFiles(*files) for task_id, *files in connection.execute(_STORED, {"ids": list(ids)})}


def skus_of(connection: sa.Connection, ids: Collection[int]) -> dict[int, str]:
    """The SKU of each of the tasks that exist, by id."""
    return dict(connection.execute(_SKUS, {"ids": list(ids)}).tuples().all())
