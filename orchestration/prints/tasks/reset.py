"""Rendering tasks again: `refresh` for any of them, `retry` for failed ones.

Tasks go back to pending and into the queue in one transaction. Each time raises the task's revision, so that a
rendering that is under way does not count for the newer request. Keep out: the rendering (`handler`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.errors import ConfigurationError
from orchestration.prints.tasks.pending import (
    JOINED,
    NOT_REFUSED,
    NOT_RENDERING,
    SUPPORTED,
    queue_pending,
    sku_parameters,
)
from orchestration.prints.tasks.queue import RenderOptions
from orchestration.work_queue.model import Priority

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from orchestration.prints.statuses import OrderStatus
    from orchestration.work_queue.queue import TaskQueue


class TaskSelection(NamedTuple):
    """Which print tasks: one, those of some SKUs, or without either all that have a design."""

    task_id: int | None = None
    skus: Collection[str] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it names neither a task nor a SKU."""
        return self.task_id is None and self.skus is None


_RESET = f"""
WITH chosen AS MATERIALIZED (
    SELECT t.id FROM {JOINED}
    WHERE {SUPPORTED} AND t.status <> 'cancelled'
        AND (:any_status OR o.order_status = ANY (CAST(:statuses AS text[])))
        AND (CAST(:task_id AS bigint) IS NULL OR t.id = :task_id)
        AND (CAST(:skus AS text[]) IS NULL OR p.sku = ANY (CAST(:skus AS text[])))
        AND {{which}}
    ORDER BY t.id FOR UPDATE OF t
)
UPDATE print_task AS t SET
    stl_render_state = 'pending', render_retries = 0, annotation = NULL, revision = revision + 1,
    {NOT_RENDERING}, {NOT_REFUSED}, updated_at = statement_timestamp()
FROM chosen WHERE t.id = chosen.id
RETURNING t.id"""  # noqa: S608 - of our own constants
_REFRESH = sa.text(_RESET.format(which="true"))
_RETRY = sa.text(_RESET.format(which="t.stl_render_state = 'failed'"))
_KNOWN = sa.text(f"SELECT p.sku, {SUPPORTED} FROM {JOINED} WHERE t.id = :task_id")  # noqa: S608 - as above


def refresh(
    connection: sa.Connection,
    queue: TaskQueue,
    statuses: Sequence[OrderStatus],
    selection: TaskSelection,
    options: RenderOptions = RenderOptions(),  # noqa: B008 - it is frozen
    *,
    priority: Priority = Priority.NORMAL,
) -> list[int]:
    """Send the tasks back to pending from any state, and queue them; returns their ids.

    Orders in `statuses` qualify; a task that is named, and with `any_status` every task, in any status of its order.
    Raises `ConfigurationError` for a task that does not exist or has no design.
    """
    return _reset(
        connection, queue, _REFRESH, statuses=statuses, selection=selection, options=options, priority=priority
    )


def retry(
    connection: sa.Connection,
    queue: TaskQueue,
    statuses: Sequence[OrderStatus],
    selection: TaskSelection,
    options: RenderOptions = RenderOptions(),  # noqa: B008 - it is frozen
) -> list[int]:
    """Send failed tasks back to pending, and queue them; as `refresh` otherwise."""
    return _reset(connection, queue, _RETRY, statuses=statuses, selection=selection, options=options)


def _reset(
    connection: sa.Connection,
    queue: TaskQueue,
    statement: sa.TextClause,
    *,
    statuses: Sequence[OrderStatus],
    selection: TaskSelection,
    options: RenderOptions,
    priority: Priority = Priority.NORMAL,
) -> list[int]:
    if selection.task_id is not None:
        _check(connection, selection.task_id)
    # A task that is named is asked for by somebody who knows it.
    any_status = options.any_status or selection.task_id is not None
    values = {
        "any_status": any_status,
        "statuses": list(statuses),
        "task_id": selection.task_id,
        "skus": None if selection.skus is None else list(selection.skus),
    }
    ids = sorted(connection.execute(statement, values | sku_parameters()).scalars())
    options = RenderOptions(options.force, options.skip_if_exists, any_status)
    queue_pending(connection, queue, None, ids=ids, options=options, priority=priority)
    return ids


def _check(connection: sa.Connection, task_id: int) -> None:
    row = connection.execute(_KNOWN, {"task_id": task_id, **sku_parameters()}).one_or_none()
    if row is None:
        raise ConfigurationError(f"There is no print task {task_id}; `orchestration orders list` shows their numbers")
    sku, is_supported = row
    if not is_supported:
        raise ConfigurationError(f"Print task {task_id} is of the SKU {sku}, for which there is no design")
