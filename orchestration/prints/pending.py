"""Which print tasks are due, and putting right what an accident left behind.

Belongs here: from the tasks' rows to the queue. Does not: asking for files anew (`redo`), or making them.

The rows are the truth and the queue follows them: whoever changes a row need not know of the queue. Orders come and
change by import; a shop's other programs may write the rows too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.prints.queues import PRINT_QUEUE, Wish, render_task
from orchestration.prints.sku import CABLE_CLIP_PREFIX, STATIC_SKUS
from orchestration.work_queue.model import Priority

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from orchestration.prints.statuses import OrderStatus
    from orchestration.work_queue.queue import TaskQueue

SUPPORTED = "(p.sku = ANY (CAST(:static_skus AS text[])) OR starts_with(p.sku, :sku_prefix))"
"""Whether the product `p` has a design; with the parameters of `sku_parameters`."""

JOINED = """print_task AS t JOIN order_item AS i ON i.id = t.order_item_id JOIN product AS p ON p.id = i.product_id
    JOIN shop_order AS o ON o.id = i.order_id"""


class Repaired(NamedTuple):
    """How many tasks were in a state that could not be, by what became of them."""

    requeued: int
    failed: int


def sku_parameters() -> dict[str, object]:
    """The parameters of `SUPPORTED`."""
    return {"static_skus": list(STATIC_SKUS), "sku_prefix": CABLE_CLIP_PREFIX}


_DUE = sa.text(f"""
SELECT t.id, p.sku, CAST(extract(epoch FROM statement_timestamp() - t.created_at) AS float8)
FROM {JOINED}
WHERE t.stl_render_state = 'pending' AND t.status <> 'cancelled' AND {SUPPORTED}
    AND (CAST(:statuses AS text[]) IS NULL OR o.order_status = ANY (CAST(:statuses AS text[])))
    AND (CAST(:skus AS text[]) IS NULL OR p.sku = ANY (CAST(:skus AS text[])))
    AND (CAST(:ids AS bigint[]) IS NULL OR t.id = ANY (CAST(:ids AS bigint[])))
    AND (:unfinished OR NOT EXISTS (
        SELECT FROM task AS q
        WHERE q.queue = :queue AND q.key = CAST(t.id AS text) AND q.state IN ('waiting', 'active')))
ORDER BY t.created_at, t.id""")  # noqa: S608 - of our own constants

# A running task whose queue task is dead has killed its worker as often as the policy allows.
_RUNNING = sa.text("""
WITH stray AS MATERIALIZED (
    SELECT t.id, q.attempt, q.error FROM print_task AS t
    LEFT JOIN task AS q ON q.queue = :queue AND q.key = CAST(t.id AS text) AND q.state <> 'completed'
    WHERE t.stl_render_state = 'running' AND q.state IS DISTINCT FROM 'active'
        AND (q.state = 'dead') IS NOT DISTINCT FROM CAST(:dead AS boolean)
    ORDER BY t.id FOR UPDATE OF t SKIP LOCKED
)
UPDATE print_task AS t SET
    stl_render_state = :state, render_pid = NULL, render_started_at = NULL, updated_at = statement_timestamp(),
    annotation = CASE WHEN CAST(:dead AS boolean)
        THEN 'STL render error (' || stray.attempt || '/' || CAST(:attempts AS text) || '): '
            || left(coalesce(stray.error, 'the process that rendered it died'), 1000)
        ELSE t.annotation END,
    render_retries = CASE WHEN CAST(:dead AS boolean) THEN stray.attempt ELSE t.render_retries END
FROM stray WHERE t.id = stray.id""")

_WITHOUT_OUTPUTS = sa.text("""
UPDATE print_task AS t SET stl_render_state = 'pending', stl_path = NULL, updated_at = statement_timestamp()
WHERE stl_render_state = 'completed' AND NOT EXISTS (SELECT FROM print_output AS o WHERE o.task_id = t.id)""")


def queue_pending(
    connection: sa.Connection,
    queue: TaskQueue,
    statuses: Sequence[OrderStatus] | None,
    *,
    skus: Collection[str] | None = None,
    ids: Collection[int] | None = None,
    wish: Wish | None = None,
    priority: Priority = Priority.NORMAL,
) -> list[int]:
    """Queue every pending task that is not queued, the oldest first; their ids.

    Only of orders in one of `statuses` unless that is None, of the SKUs and ids that are given, and of SKUs that have
    a design. With a `wish` or a higher priority, those that wait in the queue already are told as well.
    """
    told = wish is not None or priority is not Priority.NORMAL
    rows = connection.execute(
        _DUE,
        {
            "statuses": None if statuses is None else list(statuses),
            "skus": None if skus is None else list(skus),
            "ids": None if ids is None else list(ids),
            "unfinished": told,
            "queue": queue.name,
            **sku_parameters(),
        },
    ).all()
    tasks = [render_task(task_id, sku, age, wish or Wish(), priority) for task_id, sku, age in rows]
    queue.enqueue(connection, tasks)
    return [task_id for task_id, _, _ in rows]


def repair(connection: sa.Connection, queue: TaskQueue) -> Repaired:
    """Put right the states that cannot be.

    A task that runs without anybody who works at it is pending again, or has failed if the queue has given it up; a
    completed one without files is pending.
    """
    attempts = str(queue.policy.retry.attempts)
    values = {"queue": PRINT_QUEUE, "attempts": attempts}
    failed = connection.execute(_RUNNING, values | {"dead": True, "state": "failed"}).rowcount
    requeued = sum(
        connection.execute(_RUNNING, values | {"dead": dead, "state": "pending"}).rowcount for dead in (False, None)
    )
    return Repaired(requeued + connection.execute(_WITHOUT_OUTPUTS).rowcount, failed)
