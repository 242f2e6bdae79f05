"""Draining a queue: one function from the first claim to the last result, for every queue of the product.

It decides when a drain ends, and what goes on beside it: a heartbeat for long drains, and pruning. Keep out: the loop
(`worker`), and the handlers, which each domain has.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from orchestration.errors import TransientError
from orchestration.observability.logs import get_logger
from orchestration.work_queue.model import TaskState
from orchestration.work_queue.pausing import pauses
from orchestration.work_queue.worker import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Sequence

    import sqlalchemy as sa

    from orchestration.storage.database import Database
    from orchestration.work_queue.claim import TaskHandler
    from orchestration.work_queue.options import DrainOptions, DrainResult
    from orchestration.work_queue.queue import TaskQueue

T = TypeVar("T")

log = get_logger()

# A retry that is due sooner than this is waited for by a drain that is to leave nothing behind.
PATIENCE_SECONDS = 120.0
# How often a drain deletes finished tasks that its queue no longer keeps.
PRUNE_SECONDS = 60.0
# How often a drain logs what it has done so far.
LOG_SECONDS = 60.0

UNSETTLED = "Not done when the run ended: it is still queued, or another run has it. Look there, or run it again."
CANCELLED = "Cancelled while it was queued. Run it again if it is still wanted."
REMOVED = "No longer queued: its supplier was stopped, or somebody removed it. Run it again if it is still wanted."


class Heartbeat(NamedTuple):
    """What a long drain reports every so many seconds, from a thread of its own, whether or not there is work."""

    report: Callable[[], None]
    seconds: float


async def drain_queue(
    database: Database,
    queue: TaskQueue,
    handler: TaskHandler[T],
    on_batch: Callable[[Sequence[T]], None],
    options: DrainOptions,
    *,
    keys: Collection[str] | None = None,
    until: Callable[[], bool] | None = None,
    feeders: Sequence[TaskQueue] = (),
    heartbeat: Heartbeat | None = None,
) -> DrainResult:
    """Drain `queue` with `handler` until `options`, `keys` or `until` end it.

    `keys` name tasks that the caller has queued: the drain ends when they are settled, and its result tells why those
    were not that it did not settle. `until` is another such condition. `on_batch` is called with the results of each
    committed batch, also with those of tasks that failed unexpectedly or lost their worker.

    A drain that is to leave nothing behind does not end while a worker of one of `feeders` has tasks to do: each of
    those may put more into this queue.
    """
    left = set(keys or ())
    if keys is not None:
        until = partial(_are_settled, database, queue, left)
    elif until is None and options.idle_seconds is None:
        until = partial(_is_empty, database, queue, feeders)
    if until is not None:
        options = replace(options, idle_seconds=None)
    with Worker(database, queue, run=options.run) as worker:
        if options.stop is not None:
            options.stop.call(worker.stop)
        pruning = Heartbeat(partial(_prune, database, queue), PRUNE_SECONDS)
        logging = Heartbeat(worker.log_progress, LOG_SECONDS)
        async with _beating(pruning), _beating(logging), _beating(heartbeat):
            result = await worker.drain(handler, on_batch, options=options, until=until, left=left)
    await _report(pruning)
    return replace(result, unsettled=_unsettled(database, queue, left))


@asynccontextmanager
async def _beating(heartbeat: Heartbeat | None) -> AsyncIterator[None]:
    if heartbeat is None:
        yield
        return
    beating = asyncio.create_task(_beat(heartbeat))
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating


async def _beat(heartbeat: Heartbeat) -> None:
    while True:
        await asyncio.sleep(heartbeat.seconds)
        await _report(heartbeat)


async def _report(heartbeat: Heartbeat) -> None:
    try:
        await asyncio.to_thread(heartbeat.report)
    except Exception as error:  # noqa: BLE001 - the receiver may be away; the work goes on, and the next beat reports
        log.warning("heartbeat failed", error=f"{type(error).__name__}: {error}")


def _prune(database: Database, queue: TaskQueue) -> None:
    with database.begin() as connection:
        queue.prune(connection)


def _are_settled(database: Database, queue: TaskQueue, keys: Collection[str]) -> bool:
    with database.connect() as connection:
        return not queue.unfinished(connection, keys) or _is_at_rest(connection, queue)


def _is_empty(database: Database, queue: TaskQueue, feeders: Sequence[TaskQueue]) -> bool:
    with database.connect() as connection:
        # The feeders first: what they put into the queue before they ended is seen after it.
        if any(_has_work(connection, one) and _is_worked_on(connection, one) for one in feeders):
            return False
        return _is_at_rest(connection, queue) or not _has_work(connection, queue)


def _has_work(connection: sa.Connection, queue: TaskQueue) -> bool:
    """Whether the queue has tasks that are being done, or due now or soon."""
    counts = queue.counts(connection)
    is_due_soon = counts.next_due_seconds is not None and counts.next_due_seconds < PATIENCE_SECONDS
    return bool(counts.waiting or counts.active or is_due_soon)


def _is_worked_on(connection: sa.Connection, queue: TaskQueue) -> bool:
    return not _is_at_rest(connection, queue) and any(worker.is_alive for worker in queue.workers(connection))


def _is_at_rest(connection: sa.Connection, queue: TaskQueue) -> bool:
    """Whether the queue is paused, and what was claimed before has ended."""
    return queue.name in pauses(connection) and not queue.counts(connection).active


def _unsettled(database: Database, queue: TaskQueue, keys: Collection[str]) -> dict[str, str]:
    """Why each of the keys was not settled by this drain; those that another drain has completed are left out."""
    if not keys:
        return {}
    try:
        with database.connect() as connection:
            ends = queue.ends(connection, keys)
    except TransientError:  # the drain has ended, and what it did has to be reported
        return dict.fromkeys(sorted(keys), UNSETTLED)
    reasons = {key: _reason(*ends[key]) if key in ends else REMOVED for key in sorted(keys)}
    return {key: reason for key, reason in reasons.items() if reason is not None}


def _reason(state: TaskState, error: str | None) -> str | None:
    match state:
        case TaskState.COMPLETED:
            return None
        case TaskState.CANCELLED:
            return CANCELLED
        case TaskState.DEAD:
            return error or UNSETTLED
        case _:
            return UNSETTLED
