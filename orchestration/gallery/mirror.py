"""Keeping the mirror in step with the history: the path of a batch of mirror tasks.

Belongs here: holding, reading, deciding, writing and settling a batch. Does not: what is shown (`merge`), the SQL
(`store`).

A task says which item to look at; what becomes of the item is decided by the history as it is when the task is held.
So tasks may come late, twice or in any order. While a task is held nobody can enqueue it again, so a change that was
not seen commits later and has its own task. A task that somebody is just enqueueing again is not waited for by the
rest of its batch: whoever waits for a writer holds nothing that a writer could wait for, so there is no deadlock.
"""

from __future__ import annotations

import asyncio
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from orchestration.errors import InvalidInputError, OrchestrationError, PermanentError
from orchestration.gallery import store
from orchestration.gallery.merge import image_urls, is_visible, public_document
from orchestration.gallery.queues import MirrorOp
from orchestration.gallery.tables import CREATOR_PREFIX
from orchestration.observability.logs import get_logger
from orchestration.work_queue.model import Outcome, StaleClaimError, TaskState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from orchestration.gallery.merge import ImageVariants
    from orchestration.gallery.store import PublicRow, Situation
    from orchestration.storage.database import Database
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Settled, Task

    Follow = Callable[[sa.Connection, Sequence[Mapping[str, Any]]], None]

log = get_logger()

# Below PostgreSQL's deadlock_timeout of a second, so that in a ring of waiting it is never the user's write that fails.
_FAN_OUT_PATIENCE = sa.text("SET LOCAL lock_timeout = '400ms'")


class Effect(StrEnum):
    """What a task changed in the mirror."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"
    FAILED = "failed"


class Mirrored(NamedTuple):
    """One mirror task's end. A failed one that is not final will be tried again.

    `seconds` is from the change of the source to its commit in the mirror; `op` is what the writer said has happened.
    """

    history_id: str
    op: str
    effect: Effect
    seconds: float = 0.0
    problem: str | None = None
    is_final: bool = True


class _Decision(NamedTuple):
    """What is to be done for a task: show `row`, or without one show nothing; or leave all as it is."""

    task: Task
    row: PublicRow | None = None
    error: OrchestrationError | None = None
    is_possible: bool = True


class MirrorKeeper:
    """Handles claims of the mirror queue. `report` hears what became of each item once it is committed.

    `base_url` is what the addresses of image variants begin with. `follow` is called with the documents that appeared
    or changed, in the transaction that shows them, so that what has to follow from it cannot be lost.
    """

    def __init__(
        self,
        database: Database,
        *,
        base_url: str,
        report: Callable[[Sequence[Mirrored]], None],
        follow: Follow | None = None,
    ) -> None:
        self._database = database
        self._base_url = base_url.rstrip("/")
        self._report = report
        self._follow = follow

    async def handle(self, claim: Claim) -> None:
        """Bring a batch of items in step."""
        await asyncio.to_thread(self._work, claim)

    def _work(self, claim: Claim) -> None:
        items = [task for task in claim.tasks if not task.key.startswith(CREATOR_PREFIX)]
        self._attempt(claim, items, wait=False)
        settled = {one.task.id for one in claim.settled}
        for task in claim.tasks:
            if task.key.startswith(CREATOR_PREFIX):
                self._fan_out(claim, task)
            elif task.id not in settled:
                self._attempt(claim, [task], wait=True)
        if claim.unsettled:
            raise StaleClaimError(claim.unsettled)

    def _attempt(self, claim: Claim, tasks: Sequence[Task], *, wait: bool) -> None:
        """Mirror these tasks together; if the database refuses to, each alone, so that one bad item fails alone."""
        try:
            self._report(self._mirror(claim, tasks, wait=wait))
        except sa.exc.DBAPIError as error:
            if len(tasks) > 1:
                for task in tasks:
                    self._attempt(claim, [task], wait=True)
                return
            problem = PermanentError(f"{tasks[0].key}: the database refuses the item: {_first_line(error)}")
            with self._database.begin() as connection:
                settled = claim.settle(connection, [Outcome(tasks[0], problem)])
            self._report(_mirrored([_Decision(tasks[0], error=problem)], {}, settled, time.time()))

    def _mirror(self, claim: Claim, tasks: Sequence[Task], *, wait: bool) -> list[Mirrored]:
        if not tasks:
            return []
        with self._database.begin() as connection:
            held = claim.hold(connection, tasks, wait=wait)
            situations = store.read_situations(connection, [task.key for task in held])
            began = time.perf_counter()
            variants = store.read_variants(connection, _urls(situations), self._base_url)
            decisions = [_decide(*pair, variants) for pair in zip(held, situations, strict=True)]
            effects = self._write(connection, decisions)
            settled = claim.settle(connection, [Outcome(one.task, one.error) for one in decisions])
        read_at = situations[0].read_at if situations else 0.0
        return _mirrored(decisions, effects, settled, read_at + time.perf_counter() - began)

    def _write(self, connection: sa.Connection, decisions: Sequence[_Decision]) -> dict[str, Effect]:
        """Write the mirror; the items that it changed."""
        possible = [one for one in decisions if one.is_possible]
        rows = [one.row for one in possible if one.row]
        removed = store.delete_rows(connection, [one.task.key for one in possible if not one.row])
        written = store.write_rows(connection, rows)
        if self._follow is not None and written:
            self._follow(connection, [row.document for row in rows if row.history_id in written])
        shown = {key: Effect.ADDED if is_new else Effect.CHANGED for key, is_new in written.items()}
        return shown | dict.fromkeys(removed, Effect.REMOVED)

    def _fan_out(self, claim: Claim, task: Task) -> None:
        """Ask for all visible items of a user."""
        with self._database.begin() as connection:
            connection.execute(_FAN_OUT_PATIENCE)
            if claim.hold(connection, [task], wait=True):
                store.enqueue_items_of(connection, task.key.removeprefix(CREATOR_PREFIX))
                claim.settle(connection, [Outcome(task)])


def _decide(task: Task, situation: Situation, variants: Mapping[str, ImageVariants]) -> _Decision:
    # A task that names no known operation is refused, and nevertheless carried out: the payload that it took the
    # place of may have been a removal.
    error = None if _op(task) in list(MirrorOp) else InvalidInputError(_unknown(task))
    try:
        document = public_document(
            situation.item,
            creator=situation.creator,
            previous=situation.previous,
            variants=variants,
            is_taken_down=situation.is_taken_down,
        )
    except OrchestrationError as misshapen:
        return _Decision(task, error=misshapen, is_possible=False)
    if document is None or situation.item is None:
        return _Decision(task, error=error)
    return _Decision(task, store.public_row(situation.item, document), error)


def _mirrored(
    decisions: Sequence[_Decision], effects: Mapping[str, Effect], settled: Sequence[Settled], now: float
) -> list[Mirrored]:
    """What to report, `now` being the database's clock in seconds since 1970."""
    retried = {one.task.id for one in settled if one.state is TaskState.WAITING}
    found = []
    for one in decisions:
        effect = Effect.FAILED if one.error else effects.get(one.task.key, Effect.UNCHANGED)
        seconds = max(0.0, now - _changed_at(one.task))
        problem = str(one.error) if one.error else None
        if problem:
            log.warning("item not mirrored", history_id=one.task.key, error=problem, attempt=one.task.attempt)
        found.append(Mirrored(one.task.key, _op(one.task), effect, seconds, problem, one.task.id not in retried))
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


def _first_line(error: sa.exc.DBAPIError) -> str:
    return str(error.orig).partition("\n")[0]
