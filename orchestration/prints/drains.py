"""Working off the queue of print tasks.

Belongs here: how the queue, the render processes and a selection make one drain. Does not: what is done with a batch
(`printing`).

Without a selection a drain takes whatever is due, until it stays idle. With one it queues those tasks first, ahead of
the rest, and ends when each of them is settled; meanwhile it works off what else is in the queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from orchestration.prints.outcomes import PrintedTask, Printing
from orchestration.prints.pending import queue_pending, repair
from orchestration.prints.queues import Wish
from orchestration.prints.redo import Redo, Selection, refresh
from orchestration.work_queue.model import Priority, TaskState, WorkerDiedError
from orchestration.work_queue.running import DrainEnd, QueueRun, Results

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import sqlalchemy as sa

    from orchestration.prints.printing import PrintRules
    from orchestration.prints.shop import PrintShop
    from orchestration.work_queue.model import Settled

# While one batch is recorded, the other renders.
BATCHES = 2


class Wanted(NamedTuple):
    """What a drain is asked for: one task, the pending ones of some SKUs, or whatever is due.

    With `force`, all tasks of the SKUs, rendered anew. `all_orders` takes orders of any status.
    """

    skus: Sequence[str] | None = None
    task_id: int | None = None
    force: bool = False
    skip_if_exists: bool = False
    all_orders: bool = False

    @property
    def is_selection(self) -> bool:
        """Whether it names what it wants."""
        return self.skus is not None or self.task_id is not None


async def render_prints(
    shop: PrintShop,
    report: Callable[[Sequence[PrintedTask]], None],
    end: DrainEnd,
    wanted: Wanted = Wanted(),  # noqa: B008 - it cannot be changed
) -> None:
    """Render the tasks that are due, or those that are wanted; `report` hears of each batch once it is committed.

    Raises `ConfigurationError` for a task that does not exist or is of no design.
    """
    from orchestration.prints.making import ProductMaker
    from orchestration.prints.printing import PrintHandler

    with shop.database.begin() as connection:
        repair(connection, shop.queue)
        selected = {str(task_id) for task_id in _take_up(connection, shop, wanted)}
    results = Results[PrintedTask]()

    def heard(settled: Sequence[Settled]) -> None:
        lost = [one for one in settled if isinstance(one.error, WorkerDiedError)]
        if lost:
            with shop.database.begin() as connection:
                repair(connection, shop.queue)
        printed = [*results.take(), *map(_lost, lost)]
        shop.tally.add(printed)
        report(printed)

    until = (lambda: not _unfinished(shop, selected)) if wanted.is_selection else None
    with shop.render_pool() as pool:
        maker = ProductMaker(pool, shop.services.objects)
        handler = PrintHandler(shop.services, shop.outbox, maker, _rules(shop, wanted), report=results.add)
        run = QueueRun(shop.database, shop.queue, end, concurrency=BATCHES)
        await run.drain(handler.handle, heard, until)


def _rules(shop: PrintShop, wanted: Wanted) -> PrintRules:
    from orchestration.prints.printing import PrintRules

    settings = shop.settings
    # What is asked of the selected tasks stands in the queue; the others are done as the settings have it.
    asked = Wanted() if wanted.is_selection else wanted
    wish = Wish(
        settings.print_force or asked.force, settings.print_skip_if_exists or asked.skip_if_exists, asked.all_orders
    )
    return PrintRules(shop.statuses, shop.workshop, settings.print_attempts, wish)


def _take_up(connection: sa.Connection, shop: PrintShop, wanted: Wanted) -> list[int]:
    """Queue what is due, and what is wanted ahead of it; the ids of the latter."""
    statuses = None if wanted.all_orders else shop.statuses
    wish = Wish(wanted.force, wanted.skip_if_exists, wanted.all_orders)
    if not wanted.is_selection:
        queue_pending(connection, shop.queue, statuses, wish=wish if wanted.all_orders else None)
        return []
    if wanted.force or wanted.task_id is not None:
        which = Selection(statuses, wanted.task_id, wanted.skus)
        return refresh(connection, shop.queue, Redo(which, wish, Priority.HIGH))
    return queue_pending(connection, shop.queue, statuses, skus=wanted.skus, wish=wish, priority=Priority.HIGH)


def _unfinished(shop: PrintShop, keys: Collection[str]) -> set[str]:
    with shop.database.connect() as connection:
        return shop.queue.unfinished(connection, keys)


def _lost(lost: Settled) -> PrintedTask:
    is_final = lost.state is not TaskState.WAITING
    return PrintedTask(
        int(lost.task.key), lost.task.grouping or "", Printing.FAILED, problem=str(lost.error), is_final=is_final
    )
