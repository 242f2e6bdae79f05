"""Which print tasks are due, and the repair of states that an accident left behind.

The rows are the truth and the queue follows them: a program that changes a row need not know of the queue. Orders come
and change by import; other programs of the shop may write the rows too. Keep out: rendering tasks again (`reset`), and
the rendering itself (`handler`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.prints.solid.sku import CABLE_CLIP_PREFIX, STATIC_SKUS
from orchestration.prints.tasks.queue import PRINT_QUEUE, RenderOptions, render_task
from orchestration.work_queue.model import Priority

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from orchestration.prints.statuses import OrderStatus
    from orchestration.work_queue.queue import TaskQueue

SUPPORTED = "(p.sku = ANY (CAST(:static_skus AS text[])) OR starts_with(p.sku, :sku_prefix))"
"""Whether the product `p` has a design; with the parameters of `sku_parameters`."""

JOINED = """print_task AS t JOIN order_item AS i ON i.id = t.order_item_id JOIN product AS p ON p.id = i.product_id
    JOIN shop_order AS o ON o.id = i.order_id"""

NOT_RENDERING = "render_pid = NULL, render_started_at = NULL"
NOT_REFUSED = "refused_check = NULL, refused_problem = NULL, refused_remedy = NULL, refused_picture = NULL"
"""What every statement sets that ends a rendering, and that forgets a refusal."""


class Repaired(NamedTuple):
    """How many tasks were in an impossible state, by the state that they are in now."""

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

# A running task whose task in the queue is dead has killed its worker as often as the policy allows.
_RUNNING = sa.text(f"""
WITH stray AS MATERIALIZED (
    SELECT t.id, q.attempt, q.error FROM print_task AS t
    LEFT JOIN task AS q ON q.queue = :queue AND q.key = CAST(t.id AS text) AND q.state NOT IN ('completed', 'cancelled')
    WHERE t.stl_render_state = 'running' AND q.state IS DISTINCT FROM 'active'
        AND (q.state = 'dead') IS NOT DISTINCT FROM CAST(:dead AS boolean)
    ORDER BY t.id FOR UPDATE OF t SKIP LOCKED
)
UPDATE print_task AS t SET
    stl_render_state = :state, {NOT_RENDERING}, updated_at = statement_timestamp(),
    annotation = CASE WHEN CAST(:dead AS boolean)
        THEN 'STL render error (' || stray.attempt || '/' || CAST(:attempts AS text) || '): '
            || left(coalesce(stray.error, 'the process that rendered it died'), 1000)
        ELSE t.annotation END,
    render_retries = CASE WHEN CAST(:dead AS boolean) THEN stray.attempt ELSE t.render_retries END
FROM stray WHERE t.id = stray.id""")  # noqa: S608 - of our own constants

# A waiting task that is cancelled in the queue is to stay so: the next look would queue what is still pending.
_CANCELLED = sa.text("""
WITH stray AS MATERIALIZED (
    SELECT t.id FROM print_task AS t
    WHERE t.stl_render_state = 'pending'
        AND EXISTS (SELECT FROM task AS q WHERE q.queue = :queue AND q.key = CAST(t.id AS text)
            AND q.state = 'cancelled' AND q.finished_at >= t.updated_at)
        AND NOT EXISTS (SELECT FROM task AS q WHERE q.queue = :queue AND q.key = CAST(t.id AS text)
            AND q.state NOT IN ('completed', 'cancelled'))
    ORDER BY t.id FOR UPDATE OF t SKIP LOCKED
)
UPDATE print_task AS t SET
    stl_render_state = 'failed', annotation = 'Cancelled on request', updated_at = statement_timestamp()
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
    options: RenderOptions | None = None,
    priority: Priority = Priority.NORMAL,
) -> list[int]:
    """Queue every pending task that is not queued, the oldest first; returns their ids.

    Only of orders in one of `statuses` unless that is None, of the SKUs and ids that are given, and of SKUs that have
    a design. With `options` or a higher priority, tasks that wait in the queue already take them over.
    """
    takes_over = options is not None or priority is not Priority.NORMAL
    rows = connection.execute(
        _DUE,
        {
            "statuses": None if statuses is None else list(statuses),
            "skus": None if skus is None else list(skus),
            "ids": None if ids is None else list(ids),
            "unfinished": takes_over,
            "queue": queue.name,
            **sku_parameters(),
        },
    ).all()
    tasks = [render_task(task_id, sku, age, options or RenderOptions(), priority) for task_id, sku, age in rows]
    queue.enqueue(connection, tasks)
    return [task_id for task_id, _, _ in rows]


def repair(connection: sa.Connection, queue: TaskQueue) -> Repaired:
    """Repair impossible states.

    A running task that no worker has is pending again, or failed if the queue's task is dead. A pending task whose task
    in the queue was cancelled after its last change has failed. A completed task without files is pending.
    """
    attempts = str(queue.policy.retry.attempts)
    values = {"queue": PRINT_QUEUE, "attempts": attempts}
    failed = connection.execute(_RUNNING, values | {"dead": True, "state": "failed"}).rowcount
    failed += connection.execute(_CANCELLED, {"queue": PRINT_QUEUE}).rowcount
    requeued = sum(
        connection.execute(_RUNNING, values | {"dead": dead, "state": "pending"}).rowcount for dead in (False, None)
    )
    return Repaired(requeued + connection.execute(_WITHOUT_OUTPUTS).rowcount, failed)
