"""Print tasks as rendering sees them: what to make, and whether to make it now.

Belongs here: the start of a batch. Does not: its end (`records`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.prints.pending import JOINED

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from orchestration.prints.statuses import OrderStatus


class TaskRow(NamedTuple):
    """A print task with what its order says of it.

    `is_begun` tells that it is running now; if not, it has been done already, or does not qualify any more.
    """

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
    is_begun: bool


# Whoever claims the queue's task owns the print task, so one that is still running was left so by a dead process.
_BEGIN = sa.text(f"""
WITH wanted AS MATERIALIZED (
    SELECT t.id, p.sku, t.custom_text, t.color_1, t.color_2, t.revision,
        o.id AS order_id, o.marketplace, o.order_number, o.shipstation_order_id,
        t.stl_render_state IN ('pending', 'running') AND t.status <> 'cancelled'
            AND (o.order_status = ANY (CAST(:statuses AS text[])) OR t.id = ANY (CAST(:any_status AS bigint[])))
            AS is_due
    FROM {JOINED}
    WHERE t.id = ANY (CAST(:ids AS bigint[]))
    ORDER BY t.id FOR UPDATE OF t
), begun AS (
    UPDATE print_task AS t SET
        stl_render_state = 'running', render_pid = :pid, render_started_at = :now, updated_at = :now
    FROM wanted WHERE t.id = wanted.id AND wanted.is_due
)
SELECT * FROM wanted""")  # noqa: S608 - of our own constants

_STORED = sa.text("""
SELECT o.task_id, t.product_address, array_agg(DISTINCT o.object_key)
FROM print_output AS o JOIN print_task AS t ON t.id = o.task_id
WHERE o.task_id = ANY (CAST(:ids AS bigint[])) GROUP BY o.task_id, t.product_address""")


class StoredTask(NamedTuple):
    """A task that has files: which product they are of, and their keys."""

    address: str
    keys: Sequence[str]


class Begin(NamedTuple):
    """Who begins when; orders in `statuses` qualify, tasks in `any_status` whatever their order's status."""

    statuses: Sequence[OrderStatus]
    any_status: Collection[int]
    pid: int
    now: datetime


def begin_tasks(connection: sa.Connection, ids: Collection[int], begin: Begin) -> dict[int, TaskRow]:
    """Set those that are due to running, with the process and the time; all that exist, by id."""
    values = {
        "ids": list(ids),
        "statuses": list(begin.statuses),
        "any_status": list(begin.any_status),
        "pid": begin.pid,
        "now": begin.now,
    }
    return {row.id: TaskRow(*row) for row in connection.execute(_BEGIN, values)}


def stored_tasks(connection: sa.Connection, ids: Collection[int]) -> dict[int, StoredTask]:
    """What those of the tasks that have files have, by id."""
    if not ids:
        return {}
    rows = connection.execute(_STORED, {"ids": list(ids)})
    return {task_id: StoredTask(address, keys) for task_id, address, keys in rows}
