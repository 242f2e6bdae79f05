"""Working off the gallery's queues.

Belongs here: how a queue, a handler and a selection of keys make one drain. Does not: the handlers.

Without keys a drain takes whatever is due, until it stays idle. With keys it queues those first, ahead of the rest,
and ends when each of them is settled; meanwhile it works off what else is in the queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.gallery.mirror import Effect, Mirrored, MirrorKeeper
from orchestration.gallery.queues import MirrorOp, mirror_task
from orchestration.work_queue.model import Priority, TaskState, WorkerDiedError
from orchestration.work_queue.running import DrainEnd, Heartbeat, QueueRun, Results

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from orchestration.gallery.gallery import Gallery
    from orchestration.work_queue.model import Settled
    from orchestration.work_queue.queue import TaskQueue


async def drain_mirror(
    gallery: Gallery,
    report: Callable[[Sequence[Mirrored]], None],
    end: DrainEnd,
    keys: Sequence[str] | None = None,
    heartbeat: Heartbeat | None = None,
) -> None:
    """Mirror the items that are due, or those of `keys` whether or not they changed.

    `report` hears of each batch once it is committed, and in the end of every item of `keys`. The `heartbeat` goes on
    while the drain is up, also when nothing is due.
    """
    pending = set(keys or ())
    results = Results[Mirrored]()

    def heard(settled: Sequence[Settled]) -> None:
        mirrored = [*results.take(), *(_lost(one) for one in settled if isinstance(one.error, WorkerDiedError))]
        pending.difference_update(one.history_id for one in mirrored if one.is_final)
        if mirrored:
            report(mirrored)

    if keys:
        tasks = [mirror_task(key, priority=Priority.HIGH) for key in keys]
        with gallery.database.begin() as connection:
            gallery.mirror.enqueue(connection, tasks)
    follow = gallery.pictures.follow if gallery.settings.gallery_image_hosts else None
    keeper = MirrorKeeper(gallery.database, base_url=gallery.media_url, report=results.add, follow=follow)
    until = (lambda: not _unfinished(gallery, gallery.mirror, pending)) if keys else None
    concurrency = gallery.settings.mirror_concurrency
    run = QueueRun(gallery.database, gallery.mirror, end, concurrency=concurrency, heartbeat=heartbeat)
    await run.drain(keeper.handle, heard, until)
    if pending:
        report([Mirrored(key, MirrorOp.UPSERT, Effect.FAILED, problem=_UNSETTLED) for key in sorted(pending)])


def _lost(lost: Settled) -> Mirrored:
    is_final = lost.state is not TaskState.WAITING
    return Mirrored(lost.task.key, "", Effect.FAILED, problem=str(lost.error), is_final=is_final)


def _unfinished(gallery: Gallery, queue: TaskQueue, keys: Collection[str]) -> set[str]:
    with gallery.database.connect() as connection:
        return queue.unfinished(connection, keys)


_UNSETTLED = "Not done when the run ended: it is still queued, or another run has it. Look there, or run it again."
