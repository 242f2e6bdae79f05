"""Keeping the mirror in sync with the history: the path of a batch of mirror tasks.

It locks, reads, decides, writes and settles a batch. Keep out: what is shown (`merge`), and the SQL (`store`).

A task says which item to look at. The history, as it is when the task is locked, decides what the mirror shows of it.
So tasks may come late, twice or in any order. While a task is locked nobody can enqueue it again, so a change that was
not seen commits later and has its own task. A batch does not wait for a task that is being enqueued again at this
moment: it is put back, so no lock is held that the writer could wait for, and there is no deadlock.
"""

from __future__ import annotations

import asyncio
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from orchestration.errors import InvalidInputError, OrchestrationError
from orchestration.gallery import store
from orchestration.gallery.merge import image_urls, is_visible, public_document
from orchestration.gallery.queues import MirrorOp
from orchestration.gallery.tables import CREATOR_PREFIX
from orchestration.observability.logs import get_logger
from orchestration.work_queue.claim import TaskHandler
from orchestration.work_queue.model import Outcome, TaskState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from orchestration.gallery.merge import ImageRenditions
    from orchestration.gallery.store import PublicRow, Situation
    from orchestration.storage.database import Database
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Settled, Task
    from orchestration.work_queue.queue import TaskQueue

    Follow = Callable[[sa.Connection, Sequence[Mapping[str, Any]]], None]

log = get_logger()

_KNOWN_OPS = frozenset(MirrorOp)

# Below PostgreSQL's deadlock_timeout of a second, so that in a ring of waiting it is never the user's write that fails.
_FAN_OUT_PATIENCE = sa.text("SET LOCAL lock_timeout = '400ms'")


class MirrorEffect(StrEnum):
    """What a task changed in the mirror."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"
    FAILED = "failed"


class MirrorResult(NamedTuple):
    """One mirror task's end. A failed one that is not final will be tried again.

    `seconds` is from the change of the source to its commit in the mirror; `op` is what its writer reported.
    """

    history_id: str
    op: str
    effect: MirrorEffect
    seconds: float = 0.0
    problem: str | None = None
    is_final: bool = True


class _Decision(NamedTuple):
    """What is to be done for a task: show `row`, or without one show nothing; or leave all as it is."""

    task: Task
    row: PublicRow | None = None
    error: OrchestrationError | None = None
    is_possible: bool = True


class MirrorHandler(TaskHandler[MirrorResult]):
    """Handles claims of the mirror queue; its results are mirror results.

    `base_url` is what the addresses of image renditions begin with. `follow` is called with the documents that appeared
    or changed, in the transaction that shows them, so that what has to follow from it cannot be lost.
    """

    def __init__(
        self,
        database: Database,
        queue: TaskQueue,
        *,
        base_url: str,
        follow: Follow | None = None,
    ) -> None:
        self._database = database
        self._queue = queue
        self._base_url = base_url.rstrip("/")
        self._follow = follow

    async def handle(self, claim: Claim[MirrorResult]) -> None:
        """Bring a batch of items in sync with the history.

        A task that is being enqueued again at this moment is passed over; the worker puts it back, so that neither the
        batch nor the queue waits for the writer.
        """
        await asyncio.to_thread(self._work, claim)

    def failure(self, settled: Settled) -> MirrorResult:
        """The result of a task that failed unexpectedly."""
        is_final = settled.state is not TaskState.WAITING
        problem = str(settled.error)
        return MirrorResult(settled.task.key, "", MirrorEffect.FAILED, problem=problem, is_final=is_final)

    def _work(self, claim: Claim[MirrorResult]) -> None:
        items = [task for task in claim.unsettled if not task.key.startswith(CREATOR_PREFIX)]
        if items:
            self._mirror(claim, items)
        for task in claim.unsettled:
            if task.key.startswith(CREATOR_PREFIX):
                self._fan_out(claim, task)

    def _mirror(self, claim: Claim[MirrorResult], tasks: Sequence[Task]) -> None:
        """Mirror those of the tasks that can be locked at this moment."""
        with claim.transaction() as connection:
            held = claim.lock(connection, tasks)
            situations = store.read_situations(connection, [task.key for task in held])
            began = time.perf_counter()
            renditions = store.read_renditions(connection, _urls(situations), self._base_url)
            decisions = [_decide(*pair, renditions) for pair in zip(held, situations, strict=True)]
            effects = self._write(connection, decisions)
            settled = claim.settle(connection, [Outcome(one.task, one.error) for one in decisions])
        read_at = situations[0].read_at if situations else 0.0
        results = _mirrored(decisions, effects, settled, read_at + time.perf_counter() - began)
        for one, result in zip(decisions, results, strict=True):
            claim.report(one.task, result)

    def _write(self, connection: sa.Connection, decisions: Sequence[_Decision]) -> dict[str, MirrorEffect]:
        """Write the mirror; the items that it changed."""
        possible = [one for one in decisions if one.is_possible]
        rows = [one.row for one in possible if one.row]
        removed = store.delete_rows(connection, [one.task.key for one in possible if not one.row])
        written = store.write_rows(connection, rows)
        if self._follow is not None and written:
            self._follow(connection, [row.document for row in rows if row.history_id in written])
        shown = {key: MirrorEffect.ADDED if is_new else MirrorEffect.CHANGED for key, is_new in written.items()}
        return shown | dict.fromkeys(removed, MirrorEffect.REMOVED)

    def _fan_out(self, claim: Claim[MirrorResult], task: Task) -> None:
        """Queue all visible items of a user."""
        with claim.transaction() as connection:
            connection.execute(_FAN_OUT_PATIENCE)
            if claim.lock(connection, [task]):
                store.enqueue_items_of(connection, task.key.removeprefix(CREATOR_PREFIX))
                claim.settle(connection, [Outcome(task)])


def _decide(task: Task, situation: Situation, renditions: Mapping[str, ImageRenditions]) -> _Decision:
    # A task that names no known operation is refused, and nevertheless carried out: the payload that it took the
    # place of may have been a removal.
    error = None if _op(task) in _KNOWN_OPS else InvalidInputError(_unknown(task))
    try:
        document = public_document(
            situation.item,
            creator=situation.creator,
            previous=situation.previous,
            renditions=renditions,
            is_taken_down=situation.is_taken_down,
        )
    except OrchestrationError as misshapen:
        return _Decision(task, error=misshapen, is_possible=False)
    if document is None or situation.item is None:
        return _Decision(task, error=error)
    return _Decision(task, store.public_row(situation.item, document), error)


def _mirrored(
    decisions: Sequence[_Decision], effects: Mapping[str, MirrorEffect], settled: Sequence[Settled], now: float
) -> list[MirrorResult]:
    """The results; `now` is the database's clock in seconds since 1970."""
    retried = {one.task.id for one in settled if one.state is TaskState.WAITING}
    found = []
    for one in decisions:
        effect = MirrorEffect.FAILED if one.error else effects.get(one.task.key, MirrorEffect.UNCHANGED)
        seconds = max(0.0, now - _changed_at(one.task))
        problem = str(one.error) if one.error else None
        if problem:
            log.warning("item not mirrored", history_id=one.task.key, error=problem, attempt=one.task.attempt)
        found.append(MirrorResult(one.task.key, _op(one.task), effect, seconds, problem, one.task.id not in retried))
    return found


def _urls(situations: Sequence[Situation]) -> Collection[str]:
    shown = (one for one in situations if one.item and is_visible(one.item, is_taken_down=one.is_taken_down))
    return {url for one in shown if one.item for url in image_urls(one.item)}


def _op(task: Task) -> str:
    return str(task.payload.get("op")) if isinstance(task.payload, dict) else ""


def _changed_at(task: Task) -> float:
    """When the source changed, in seconds since 1970: as the trigger says, or else when the task was enqueued."""
    at = task.payload.get("at") if isinstance(task.payload, dict) else None
    return float(at) if isinstance(at, int | float) else task.enqueued_at.timestamp()


def _unknown(task: Task) -> str:
    return f"{task.key}: {_op(task)!r} is no operation of the mirror; write {', '.join(MirrorOp)}"
