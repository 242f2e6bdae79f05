"""What a collection is to do, decided from a survey: pure, and the same for a dry run and a real one.

Candidates, limits, guards and their reasons. Keep out: reading, or carrying it out (`engine`).

The TTL of a medium counts from its last upload or from when the last reference to it went, whichever is later: that is
the first collection that found none where the one before, or a writer since, had seen one. So TTL and grace together
are how long a canvas operation can be undone after its element has left every snapshot: an undo within them makes an
element again, which lifts the mark. The log of operations is no source of references: it never forgets, and so would
keep every medium for ever.

A mirrored image goes a TTL after a collection first found that nothing shows it: no generation that is there or in the
trash, and no product. It may be fetched again, so there is no grace.

A guard refuses what looks like an accident. Each has a name by which it alone is overruled, and those by share begin
above a minimum, so that a small store or a source of few references is not refused for ever.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from orchestration.canvas.media_gc.model import FOLDER, Guard, Medium, Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from orchestration.canvas.media_gc.model import Limits, Orphan, Rules, Survey
    from orchestration.media.unshown import UnshownImage

OVERRIDE = "--allow"


def make_plan(survey: Survey, rules: Rules, now: datetime) -> Plan:
    """The plan of one collection; when a guard refuses it, what is written down and finished all the same."""
    for guard, alarm in _alarms(survey, rules.limits):
        if guard not in rules.allowed:
            return _refused(survey, guard, alarm)
    deletions, skipped = within_limits(survey.census.due, rules.limits)
    freed = freed_bytes(deletions) + sum({one.storage_path: one.bytes for one in survey.census.unsettled}.values())
    orphans, orphans_refused = _orphans(survey, rules, now, freed)
    unshown, unshown_refused = _unshown(survey, rules)
    return Plan(
        drift=survey.census.drift,
        marks=survey.census.candidates,
        revived=survey.census.revived,
        deletions=deletions,
        unsettled=survey.census.unsettled,
        orphans=orphans,
        watched=survey.orphans,
        skipped=skipped,
        unshown=unshown,
        left=survey.census.due_total - len(deletions) - len(skipped),
        freed=freed + sum(orphan.bytes for orphan in orphans) + sum(image.bytes for image in unshown),
        orphans_refused=orphans_refused,
        unshown_refused=unshown_refused,
    )


def _refused(survey: Survey, guard: Guard, alarm: str) -> Plan:
    """Counts, lifted marks and deletions that were begun; the latter not in what may be another store."""
    return Plan(
        drift=survey.census.drift,
        revived=survey.census.revived,
        unsettled=() if guard is Guard.BUCKET else survey.census.unsettled,
        watched=survey.orphans,
        refused=f"{alarm}; use {OVERRIDE} {guard} if that is meant",
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


def _alarms(survey: Survey, limits: Limits) -> Iterator[tuple[Guard, str]]:
    """What is wrong with the survey: a source that lost its references looks like media that lost their use."""
    census = survey.census
    if not census.media:
        return
    if not any(census.places.values()):
        reason = f"nothing refers to any of {census.media} media, which looks like references that could not be found"
        yield Guard.REFERENCES, reason
    for source, former in census.former_places.items():
        if former > limits.minimum and not census.places.get(source):
            reason = f"the source {source} refers to no medium, where the last collection found {former} places"
            yield Guard.SOURCE, reason
    if survey.bucket.database_objects > limits.minimum and not survey.bucket.objects:
        reason = f"the object store holds none of {survey.bucket.database_objects} objects; look at its address"
        yield Guard.BUCKET, reason
    going = census.candidate_total + census.marked
    if going > max(limits.minimum, limits.share * census.media):
        percent = 100 * going / census.media
        yield Guard.SHARE, f"{going} of {census.media} media ({percent:.0f} %) would go, more than {limits.share:.0%}"


def _orphans(survey: Survey, rules: Rules, now: datetime, freed: int) -> tuple[list[Orphan], str]:
    """The orphans to remove now, the longest known ones first, and why all are held back."""
    due = [
        orphan
        for orphan in survey.orphans
        if orphan.seen_at is not None and orphan.seen_at + rules.orphan_wait <= now and not orphan.is_referenced
    ]
    total, objects = len(survey.orphans), survey.bucket.objects
    limits = rules.limits
    if due and total > max(limits.minimum, limits.share * objects) and Guard.ORPHANS not in rules.allowed:
        share = f"more than {limits.share:.0%}"
        return [], (
            f"{total} of {objects} objects have no row, {share}, which looks like a database that is not this "
            f"bucket's; use {OVERRIDE} {Guard.ORPHANS} if that is meant"
        )
    taken, budget = [], limits.bytes - freed
    for orphan in due[: limits.items]:
        budget -= orphan.bytes
        if budget >= 0:
            taken.append(orphan)
    return taken, ""


def _unshown(survey: Survey, rules: Rules) -> tuple[Sequence[UnshownImage], str]:
    """The mirrored images to remove now, and why all are held back."""
    found, limits = survey.unshown, rules.limits
    if found.unshown > max(limits.minimum, limits.share * found.images) and Guard.UNSHOWN not in rules.allowed:
        return [], (
            f"nothing shows {found.unshown} of {found.images} mirrored images, more than {limits.share:.0%}, which "
            f"looks like records that could not be found; use {OVERRIDE} {Guard.UNSHOWN} if that is meant"
        )
    return found.first, ""
