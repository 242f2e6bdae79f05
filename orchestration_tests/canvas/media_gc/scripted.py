"""A `GarbageStore` in memory, which does what a test's script says.

The same rules as the real store's, in plain Python, and places to interfere. Keep out: expectations.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from orchestration.canvas.media_gc.bucket import compare
from orchestration.canvas.media_gc.model import (
    Census,
    Claimed,
    DeletedObject,
    Forgotten,
    Medium,
    Orphan,
    Survey,
    Tombstone,
    WrongCount,
)
from orchestration.canvas.media_gc.plan import is_ours
from orchestration.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from orchestration.media.unshown import UnshownImage

START = datetime(2026, 1, 1, 4, tzinfo=UTC)


class Row(NamedTuple):
    """A stored medium."""

    storage_path: str
    bytes: int
    written_at: datetime
    places: int = 0


class Mark(NamedTuple):
    """A mark of a medium."""

    delete_after: datetime
    undone_at: datetime | None = None


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **by: float) -> None:
        self.now += timedelta(**by)


class ScriptedStore:
    """Media in memory.

    `stubborn` objects cannot be deleted, `frozen` rows refuse it; `on_claim` and `on_settle` run before these steps.
    """

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.references: dict[str, str] = {}
        self.marks: dict[str, Mark] = {}
        self.tombstones: dict[int, Tombstone] = {}
        self.objects: dict[str, int] = {}
        self.seen: dict[str, datetime] = {}
        self.former_places: dict[str, int] = {}
        self.unused_since: dict[str, datetime] = {}
        self.stubborn: set[str] = set()
        self.frozen: set[str] = set()
        self.on_claim: Callable[[], None] = lambda: None
        self.on_settle: Callable[[], None] = lambda: None
        self.batches: list[int] = []
        self._next = 0

    def survey(self, now: datetime, ttl: timedelta, most: int) -> Survey:
        """As the real one, from the dictionaries."""
        places = {media_id: self._places(media_id) for media_id in self.rows}
        waiting = {key for key, mark in self.marks.items() if mark.undone_at is None and not places[key]}
        candidates = sorted(
            (row.written_at, key)
            for key, row in self.rows.items()
            if not places[key] and self._unused_since(key, now) < now - ttl and self._may_be_marked(key, now - ttl)
        )
        due = [key for key in waiting if self.marks[key].delete_after <= now]
        due.sort(key=lambda key: (self.marks[key].delete_after, self.rows[key].storage_path, key))
        condemned = {one.storage_path: one.bytes for one in self.tombstones.values()}
        bucket = compare({row.storage_path: row.bytes for row in self.rows.values()}, condemned, self.objects)
        drift = [
            WrongCount(key, row.places, places[key]) for key, row in self.rows.items() if row.places != places[key]
        ]
        census = Census(
            media=len(self.rows),
            bytes=sum(row.bytes for row in self.rows.values()),
            places={"elements": sum(places.values())},
            former_places=self.former_places,
            drift=drift,
            drifted=len(drift),
            candidates=[self._medium(key) for _, key in candidates[:most]],
            candidate_total=len(candidates),
            marked=len(waiting),
            revived=[self._medium(key) for key in sorted(self.marks) if places[key]],
            due=[self._medium(key) for key in due[: most + 1]],
            due_total=len(due),
            unsettled=list(self.tombstones.values()),
        )
        orphans = [
            Orphan(key, size, self.seen.get(key), key in self.references.values())
            for key, size in sorted(bucket.orphans.items())
        ]
        return Survey(census, bucket, orphans)

    def repair(self, drift: Sequence[WrongCount], now: datetime) -> None:
        """Store the true counts, and who has lost the last reference."""
        for one in drift:
            if one.stored > 0 and not one.counted:
                self.unused_since[one.media_id] = now
            self.rows[one.media_id] = self.rows[one.media_id]._replace(places=one.counted)

    def revive(self, media_ids: Collection[str]) -> None:
        """Lift the marks."""
        for media_id in media_ids:
            self.marks.pop(media_id, None)

    def mark(self, media_ids: Collection[str], now: datetime, delete_after: datetime) -> Collection[str]:  # noqa: ARG002 - as the protocol has it
        """Mark those that are there."""
        there = [media_id for media_id in media_ids if media_id in self.rows]
        self.marks |= dict.fromkeys(there, Mark(delete_after))
        return there

    def watch(self, orphans: Sequence[Orphan], now: datetime) -> None:
        """Remember since when."""
        self.seen = {one.storage_path: self.seen.get(one.storage_path, now) for one in orphans}

    def claim(self, media: Sequence[Medium], now: datetime) -> Claimed:  # noqa: ARG002 - as the protocol has it
        """Bury what nothing refers to."""
        self.on_claim()
        kept = {one.media_id: "something refers to it again" for one in media if self._places(one.media_id)}
        failed = {one.media_id: "a foreign key" for one in media if one.media_id in self.frozen}
        self.revive(kept)
        buried = [one for one in media if one.media_id not in {*kept, *failed}]
        for one in buried:
            del self.rows[one.media_id], self.marks[one.media_id]
        return Claimed([self._bury(one.media_id, one.storage_path, one.bytes) for one in buried], kept, failed)

    def claim_orphans(self, orphans: Sequence[Orphan], now: datetime) -> Sequence[Tombstone]:  # noqa: ARG002 - as the protocol has it
        """Bury objects."""
        return [self._bury(None, one.storage_path, one.bytes) for one in orphans]

    def forget(self, images: Sequence[UnshownImage], now: datetime) -> Forgotten:  # noqa: ARG002 - as the protocol has it
        """Nothing: mirrored images are the real store's."""
        assert not images
        return Forgotten()

    def settle(self, tombstones: Sequence[Tombstone], now: datetime) -> Sequence[DeletedObject]:  # noqa: ARG002 - as the protocol has it
        """Delete objects."""
        self.on_settle()
        self.batches.append(len(tombstones))
        return [self._settle(one) for one in tombstones]

    def _settle(self, one: Tombstone) -> DeletedObject:
        if one.storage_path in self.stubborn:
            return DeletedObject(one, problem="access denied")
        del self.tombstones[one.id]
        if not is_ours(one.storage_path) or any(row.storage_path == one.storage_path for row in self.rows.values()):
            return DeletedObject(one)
        return DeletedObject(one, freed=self.objects.pop(one.storage_path, 0))

    def _bury(self, media_id: str | None, path: str, size: int) -> Tombstone:
        self._next += 1
        self.tombstones[self._next] = Tombstone(self._next, media_id, path, size)
        return self.tombstones[self._next]

    def _places(self, media_id: str) -> int:
        names = {media_id, self.rows[media_id].storage_path}
        return sum(value in names for value in self.references.values())

    def _unused_since(self, media_id: str, now: datetime) -> datetime:
        row = self.rows[media_id]
        return now if row.places > 0 else max(row.written_at, self.unused_since.get(media_id, row.written_at))

    def _may_be_marked(self, media_id: str, young: datetime) -> bool:
        mark = self.marks.get(media_id)
        return mark is None or (mark.undone_at is not None and mark.undone_at < young)

    def _medium(self, media_id: str) -> Medium:
        row = self.rows[media_id]
        sharers = sum(other.storage_path == row.storage_path for other in self.rows.values())
        return Medium(media_id, row.storage_path, row.bytes, sharers)


def unreachable(*_: object) -> None:
    """What a script does when the database is away."""
    raise TransientError("The database did not answer")
