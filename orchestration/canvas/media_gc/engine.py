"""Carrying out a plan: one step after the other, over anything that keeps media.

The order of steps, batches, the time limit, and that no failure stops the rest. Keep out: SQL (`store`),
decisions (`plan`).

The order makes a crash harmless wherever it comes. Counts, marks and lifted marks are facts of this moment and may be
written at any time. A deletion is committed before the first of its objects is touched, so what a crash leaves behind
is an object that the next collection knows to be deleted, never a medium without its object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from orchestration.canvas.media_gc.model import Claimed, DeletedObject, Forgotten, Result
from orchestration.errors import OrchestrationError
from orchestration.observability.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime, timedelta

    from orchestration.canvas.media_gc.model import Medium, Orphan, Plan, Rules, Survey, Tombstone, WrongCount
    from orchestration.media.unshown import UnshownImage

log = get_logger()


class GarbageStore(Protocol):
    """Keeps media, references and objects. Every method is one transaction, or several that end one by one."""

    def survey(self, now: datetime, ttl: timedelta, most: int) -> Survey:
        """The state at `now`, with at most so many candidates and due media."""

    def repair(self, drift: Sequence[WrongCount], now: datetime) -> None:
        """Store the true counts, and which media have lost their last reference."""

    def revive(self, media_ids: Collection[str]) -> None:
        """Lift the marks."""

    def mark(self, media_ids: Collection[str], now: datetime, delete_after: datetime) -> Collection[str]:
        """Mark media, but for those that are gone meanwhile; which."""

    def watch(self, orphans: Sequence[Orphan], now: datetime) -> None:
        """Remember since when these are orphans, and since when nothing shows an image; forget all others."""

    def claim(self, media: Sequence[Medium], now: datetime) -> Claimed:
        """Take the media away, for good, unless something refers to them or is about to."""

    def claim_orphans(self, orphans: Sequence[Orphan], now: datetime) -> Sequence[Tombstone]:
        """Note that these objects are to go; each is looked at once more when it does."""

    def forget(self, images: Sequence[UnshownImage], now: datetime) -> Forgotten:
        """Take the rows of mirrored images away, but for those that something shows again."""

    def settle(self, tombstones: Sequence[Tombstone], now: datetime) -> Sequence[DeletedObject]:
        """Delete the objects that no medium has any more."""


def execute(
    store: GarbageStore,
    plan: Plan,
    rules: Rules,
    clock: Callable[[], datetime],
    stopping: Callable[[], bool] = lambda: False,
) -> Result:
    """Do what the plan says, in at most the time that the limits allow.

    `stopping` ends it between two batches, as the time limit does. Raises what the store raises while it repairs,
    marks and claims, before any object has been touched; what goes wrong with an object is in the result.
    """
    now = clock()
    end = now + rules.limits.time
    store.repair(plan.drift, now)
    store.revive([medium.media_id for medium in plan.revived])
    marked = store.mark([medium.media_id for medium in plan.marks], now, now + rules.grace)
    store.watch(plan.watched, now)
    claimed = store.claim(plan.deletions, now) if plan.deletions else Claimed((), {}, {})
    orphans = store.claim_orphans(plan.orphans, now) if plan.orphans else ()
    forgotten = store.forget(plan.unshown, now) if plan.unshown else Forgotten()
    work = [*plan.unsettled, *claimed.tombstones, *orphans, *forgotten.tombstones]
    settled = _settle(store, work, rules, clock, lambda: stopping() or clock() >= end)
    result = _result(plan, claimed, settled, {one.id for one in forgotten.tombstones})
    return result._replace(
        unshown=forgotten.images,
        repaired=len(plan.drift),
        marked=[medium.media_id for medium in plan.marks if medium.media_id in marked],
        left=plan.left + len(work) - len(settled),
    )


def _settle(
    store: GarbageStore,
    work: Sequence[Tombstone],
    rules: Rules,
    clock: Callable[[], datetime],
    is_over: Callable[[], bool],
) -> list[DeletedObject]:
    """Delete objects batch by batch until the time is over; a batch that fails leaves the others alone."""
    settled: list[DeletedObject] = []
    for start in range(0, len(work), rules.limits.batch):
        if is_over():
            break
        batch = work[start : start + rules.limits.batch]
        try:
            settled += store.settle(batch, clock())
        except OrchestrationError as error:
            log.warning("a batch of media could not be deleted", error=str(error), media=len(batch))
            settled += [DeletedObject(tombstone, problem=str(error)) for tombstone in batch]
        log.info("media deleted", settled=len(settled), of=len(work))
    return settled


def _result(plan: Plan, claimed: Claimed, settled: Sequence[DeletedObject], unshown: Collection[int]) -> Result:
    done = [one.tombstone for one in settled if not one.problem]
    problems = {one.tombstone.medium or one.tombstone.storage_path: one for one in settled if one.problem}
    return Result(
        revived=[medium.media_id for medium in plan.revived],
        deleted=[tombstone.medium for tombstone in done if tombstone.medium is not None],
        orphans=[one.storage_path for one in done if one.medium is None and one.id not in unshown],
        freed=sum(one.freed for one in settled),
        skipped={
            **plan.skipped,
            **claimed.kept,
            **{key: one.problem for key, one in problems.items() if one.is_wanted},
        },
        failed={**claimed.failed, **{key: one.problem for key, one in problems.items() if not one.is_wanted}},
    )
