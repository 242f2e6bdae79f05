"""Draining the queue of print tasks: the queue, the render processes and a selection make one drain.

Without a selection a drain takes what is due, until it stays idle. With one it queues those tasks first, ahead of the
rest, and ends when each of them is settled; meanwhile it takes other due tasks too. Keep out: what is done with a batch
(`tasks.handler`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestration.prints.tasks.outcomes import PrintedTask, Printing
from orchestration.prints.tasks.pending import queue_pending, repair
from orchestration.prints.tasks.queue import RenderOptions
from orchestration.prints.tasks.reset import TaskSelection, refresh
from orchestration.prints.tasks.rows import skus_of
from orchestration.work_queue.drain import UNSETTLED, drain_queue
from orchestration.work_queue.model import Priority
from orchestration.work_queue.options import StopReason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import sqlalchemy as sa

    from orchestration.prints.prints import Prints
    from orchestration.prints.tasks.handler import PrintRules
    from orchestration.work_queue.options import DrainOptions

# While one batch is recorded, the other renders.
BATCHES = 2


async def render_prints(
    prints: Prints,
    on_batch: Callable[[Sequence[PrintedTask]], None],
    drain: DrainOptions,
    selection: TaskSelection = TaskSelection(),  # noqa: B008 - it cannot be changed
    options: RenderOptions = RenderOptions(),  # noqa: B008 - it cannot be changed
) -> None:
    """Render the tasks that are due, or those that are selected: of SKUs the pending ones, or all with `force`.

    `on_batch` is called after each commit, and at the end once for the selected tasks that this drain did not settle.
    Raises `ConfigurationError` for a task that does not exist or has no design.
    """
    from orchestration.prints.tasks.handler import PrintHandler
    from orchestration.prints.tasks.maker import ProductMaker

    with prints.database.begin() as connection:
        repair(connection, prints.print_queue)
        ids = _enqueue(connection, prints, selection, options)
    keys = None if selection.is_empty else [str(task_id) for task_id in ids]
    with prints.render_pool() as pool:
        maker = ProductMaker(pool, prints.services.objects)
        rules = _rules(prints, options if selection.is_empty else RenderOptions())
        handler = PrintHandler(prints.services, prints.outbox, maker, rules)
        drain = replace(drain, concurrency=BATCHES)
        result = await drain_queue(prints.database, prints.print_queue, handler, on_batch, drain, keys=keys)
    # What a drain that was asked to stop leaves queued is not lost.
    is_stopped = result.reason is StopReason.STOPPED
    left = {key: why for key, why in result.unsettled.items() if not (is_stopped and why == UNSETTLED)}
    if left:
        on_batch(_unsettled(prints, left))


def _rules(prints: Prints, options: RenderOptions) -> PrintRules:
    """The rules for every task; what is asked of selected tasks stands in the queue instead."""
    from orchestration.prints.tasks.handler import PrintRules

    settings = prints.settings
    always = RenderOptions(settings.print_force, settings.print_skip_if_exists)
    return PrintRules(prints.statuses, prints.environment, settings.print_attempts, always.merged(options))


def _enqueue(connection: sa.Connection, prints: Prints, selection: TaskSelection, options: RenderOptions) -> list[int]:
    """Queue what is due, or what is selected ahead of it; returns the ids of the latter."""
    queue = prints.print_queue
    statuses = None if options.any_status else prints.statuses
    if selection.is_empty:
        queue_pending(connection, queue, statuses, options=options if options.any_status else None)
        return []
    if options.force or selection.task_id is not None:
        return refresh(connection, queue, prints.statuses, selection, options, priority=Priority.HIGH)
    return queue_pending(connection, queue, statuses, skus=selection.skus, options=options, priority=Priority.HIGH)


def _unsettled(prints: Prints, reasons: Mapping[str, str]) -> list[PrintedTask]:
    by_id = {int(key): reason for key, reason in reasons.items()}
    with prints.database.connect() as connection:
        skus = skus_of(connection, by_id)
    return [PrintedTask(task_id, skus[task_id], Printing.FAILED, problem=by_id[task_id]) for task_id in skus]
