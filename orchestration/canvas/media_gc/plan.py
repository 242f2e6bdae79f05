"""What a collection is to do, decided from a survey: pure, and the same for a dry run and a real one.

Candidates, limits, guards and their reasons. Keep out: reading, or carrying it out (`engine`).

The age of a medium counts from its last upload. That nothing refers to it is known of this moment only; when the last
reference went, nobody wrote down. So the grace period, and not the TTL, is how long a canvas operation can be undone
after its element has left every snapshot: an undo within it makes an element again, which lifts the mark. The log of
operations is no source of references: it never forgets, and so would keep every medium for ever.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from orchestration.canvas.media_gc.model import FOLDER, Medium, Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from orchestration.canvas.media_gc.model import Limits, Orphan, Rules, Survey

OVERRIDE = "--force"


def make_plan(survey: Survey, rules: Rules, now: datetime) -> Plan:
    """The plan of one collection; refused, and empty, when a guard speaks against it."""
    if not rules.force and (alarm := _alarm(survey, rules.limits)):
        return Plan(refused=f"{alarm}; use {OVERRIDE} if that is meant")
    deletions, skipped = within_limits(survey.census.due, rules.limits)
    freed = freed_bytes(deletions) + sum({one.storage_path: one.bytes for one in survey.census.unsettled}.values())
    orphans, orphans_refused = _orphans(survey, rules, now, freed)
    return Plan(
        drift=survey.census.drift,
        marks=survey.census.candidates,
        revived=survey.census.revived,
        deletions=deletions,
        unsettled=survey.census.unsettled,
        orphans=orphans,
        watched=survey.orphans,
        skipped=skipped,
        left=survey.census.due_total - len(deletions) - len(skipped),
        freed=freed + sum(orphan.bytes for orphan in orphans),
        orphans_refused=orphans_refused,
    )


def freed_bytes(media: Iterable[Medium]) -> int:
    """The bytes of the objects that go with these media: of a shared object once, and only if all its rows go."""
    gone: Counter[str] = Counter()
    total = 0
    for medium in media:
        gone[medium.storage_path] += 1
        if gone[medium.storage_path] == medium.sharers and is_ours(medium.storage_path):
            total += medium.bytes
    return total


def is_ours(storage_path: str) -> bool:
    """Whether the object is one of those that the canvas may delete."""
    return storage_path.startswith(f"{FOLDER}/")


def within_limits(due: Sequence[Medium], limits: Limits) -> tuple[list[Medium], dict[str, str]]:
    """The first of `due` that one collection may delete, and those that none ever could, with the reason.

    What comes after the first that does not fit is left for the next collection, so that nothing large starves.
    """
    taken: list[Medium] = []
    skipped: dict[str, str] = {}
    budget = limits.bytes
    for medium in due:
        if medium.bytes > limits.bytes:
            skipped[medium.media_id] = f"it has {medium.bytes} bytes; raise ORCHESTRATION_GC_MAX_BYTES to delete it"
        elif len(taken) == limits.items or medium.bytes > budget:
            break
        else:
            taken.append(medium)
            budget -= medium.bytes
    return taken, skipped


def _alarm(survey: Survey, limits: Limits) -> str:
    """What is wrong with the survey: a source that lost its references looks like media that lost their use."""
    census = survey.census
    if not census.media:
        return ""
    if not any(census.places.values()):
        return f"nothing refers to any of {census.media} media, which looks like references that could not be found"
    for source, former in census.former_places.items():
        if former and not census.places.get(source):
            return f"the source {source} refers to no medium, where the last collection found {former} places"
    if survey.bucket.database_objects and not survey.bucket.objects:
        return f"the object store holds none of {survey.bucket.database_objects} objects; look at its address"
    going = census.candidate_total + census.marked
    if going > limits.share * census.media:
        percent = 100 * going / census.media
        return f"{going} of {census.media} media ({percent:.0f} %) would go, more than {limits.share:.0%}"
    return ""


def _orphans(survey: Survey, rules: Rules, now: datetime, freed: int) -> tuple[list[Orphan], str]:
    """The orphans to remove now, the longest known ones first, and why all are held back."""
    due = [
        orphan
        for orphan in survey.orphans
        if orphan.seen_at is not None and orphan.seen_at + rules.orphan_wait <= now and not orphan.is_referenced
    ]
    total, objects = len(survey.orphans), survey.bucket.objects
    if due and total > rules.limits.share * objects and not rules.force:
        share = f"more than {rules.limits.share:.0%}"
        return [], (
            f"{total} of {objects} objects have no row, {share}, which looks like a database that is not this "
            f"bucket's; use {OVERRIDE} if that is meant"
        )
    taken, budget = [], rules.limits.bytes - freed
    for orphan in due[: rules.limits.items]:
        budget -= orphan.bytes
        if budget >= 0:
            taken.append(orphan)
    return taken, ""
