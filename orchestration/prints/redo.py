"""Asking for files anew: `refresh` for whatever is wanted, `retry` for what was given up.

Belongs here: sending tasks back to pending, and into the queue, in one transaction. Does not: the rendering.

Each sending back raises the task's revision, so a rendering that is under way does not count for the newer wish.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.errors import ConfigurationError
from orchestration.prints.pending import JOINED, SUPPORTED, queue_pending, sku_parameters
from orchestration.prints.queues import Wish
from orchestration.work_queue.model import Priority

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from orchestration.prints.statuses import OrderStatus
    from orchestration.work_queue.queue import TaskQueue


class Selection(NamedTuple):
    """Which tasks: one, those of some SKUs, or all of a design; of orders in `statuses` unless that is None."""

    statuses: Sequence[OrderStatus] | None
    task_id: int | None = None
    skus: Collection[str] | None = None

    @property
    def any_status(self) -> bool:
        """Whether the order's status does not matter: one task is asked for by somebody who knows it."""
        return self.statuses is None or self.task_id is not None


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
    render_pid = NULL, render_started_at = NULL, updated_at = statement_timestamp(),
    refused_check = NULL, refused_problem = NULL, refused_remedy = NULL, refused_picture = NULL
FROM chosen WHERE t.id = chosen.id
RETURNING t.id"""  # noqa: S608 - of our own constants
_REFRESH = sa.text(_RESET.format(which="true"))
_RETRY = sa.text(_RESET.format(which="t.stl_render_state = 'failed'"))
_KNOWN = sa.text(f"SELECT p.sku, {SUPPORTED} FROM {JOINED} WHERE t.id = :task_id")  # noqa: S608 - as above


class Redo(NamedTuple):
    """Which tasks are wanted anew, how they are to be done, and how soon."""

    which: Selection
    wish: Wish = Wish()
    priority: Priority = Priority.NORMAL


def refresh(connection: sa.Connection, queue: TaskQueue, redo: Redo) -> list[int]:
    """Send the tasks back to pending, whatever their state, and queue them; their ids.

    Raises `ConfigurationError` for a task that does not exist or is of no design.
    """
    return _reset(connection, queue, redo, _REFRESH)


def retry(connection: sa.Connection, queue: TaskQueue, redo: Redo) -> list[int]:
    """Let failed tasks begin anew; their ids. Raises as `refresh` does."""
    return _reset(connection, queue, redo, _RETRY)


def _reset(connection: sa.Connection, queue: TaskQueue, redo: Redo, statement: sa.TextClause) -> list[int]:
    which = redo.which
    if which.task_id is not None:
        _check(connection, which.task_id)
    wanted = {
        "any_status": which.any_status,
        "statuses": None if which.statuses is None else list(which.statuses),
        "task_id": which.task_id,
        "skus": None if which.skus is None else list(which.skus),
    }
    ids = sorted(connection.execute(statement, wanted | sku_parameters()).scalars())
    wish = Wish(redo.wish.force, redo.wish.skip_if_exists, which.any_status)
    queue_pending(connection, queue, None, ids=ids, wish=wish, priority=redo.priority)
    return ids


def _check(connection: sa.Connection, task_id: int) -> None:
    row = connection.execute(_KNOWN, {"task_id": task_id, **sku_parameters()}).one_or_none()
    if row is None:
        raise ConfigurationError(f"There is no print task {task_id}; `orchestration orders list` shows their numbers")
    sku, is_supported = row
    if not is_supported:
        raise ConfigurationError(f"Print task {task_id} is of the SKU {sku}, for which there is no design")
