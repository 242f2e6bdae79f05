"""What a collection knows, plans and has done, as plain values.

Keep out: deciding (`plan`), doing (`engine`), and where the values come from (`store`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from orchestration.media.unshown import UnshownImages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestration.media.unshown import UnshownImage

# Objects outside of it are not the canvas's own: a row may name one, but no collection deletes it.
FOLDER = "canvas/media"
# An object without a row may be an upload whose row is about to be committed.
SAFETY_AGE = timedelta(hours=24)


class Medium(NamedTuple):
    """A medium as a collection sees it. `sharers` counts the rows that name its object, itself among them."""

    media_id: str
    storage_path: str
    bytes: int
    sharers: int = 1


class Tombstone(NamedTuple):
    """A deletion whose object is not settled yet. `medium` is None for an object that no row named."""

    id: int
    medium: str | None
    storage_path: str
    bytes: int


class Orphan(NamedTuple):
    """An object that no row names; `seen_at` is None when it is seen for the first time."""

    storage_path: str
    bytes: int
    seen_at: datetime | None = None
    is_referenced: bool = False


class WrongCount(NamedTuple):
    """A stored count that is wrong."""

    media_id: str
    stored: int
    counted: int


class Bucket(NamedTuple):
    """Database and bucket, side by side, under `FOLDER`; sizes in bytes by object key.

    `condemned` are objects whose media are deleted and which are to follow, `mismatched` the sizes in the row and
    in the bucket, in this order; `odd` is why a name is no key, in printable form, and such an object counts nowhere.
    """

    database_objects: int
    database_bytes: int
    objects: int
    bytes: int
    orphans: Mapping[str, int]
    missing: Mapping[str, int]
    condemned: Mapping[str, int]
    mismatched: Mapping[str, tuple[int, int]]
    odd: Mapping[str, str] = {}

    @property
    def difference(self) -> int:
        """Bytes in the bucket beyond those that the database counts."""
        return self.bytes - self.database_bytes

    @property
    def unexplained(self) -> int:
        """What is left of the difference when every finding is taken into account: 0, or this arithmetic is wrong."""
        explained = sum(self.orphans.values()) + sum(self.condemned.values()) - sum(self.missing.values())
        return self.difference - explained - sum(found - stored for stored, found in self.mismatched.values())


class Census(NamedTuple):
    """The media in the database at one moment, from one scan of all references.

    `places` counts the places that refer to media, by source, and `former_places` is what the last collection found;
    `drift` holds the first wrong counts of `drifted`, `candidates` the oldest of `candidate_total`, `due` the first
    marked media whose grace is over and that nothing refers to.
    """

    media: int
    bytes: int
    places: Mapping[str, int]
    former_places: Mapping[str, int]
    drift: Sequence[WrongCount]
    drifted: int
    candidates: Sequence[Medium]
    candidate_total: int
    marked: int
    revived: Sequence[Medium]
    due: Sequence[Medium]
    due_total: int
    unsettled: Sequence[Tombstone]


class Survey(NamedTuple):
    """The state of the media at one moment: in the database, beside the bucket, and the objects that no row names.

    `unshown` are mirrored images that nothing has shown for a TTL, without those that some text names.
    """

    census: Census
    bucket: Bucket
    orphans: Sequence[Orphan]
    unshown: UnshownImages = UnshownImages()


class Limits(NamedTuple):
    """What one collection may do at most. `batch` objects are deleted in one transaction.

    Guards by share do not look at `minimum` media, objects or places and fewer: of five, two are nothing odd.
    """

    items: int = 10_000
    bytes: int = 100 * 2**30
    time: timedelta = timedelta(minutes=30)
    share: float = 0.25
    batch: int = 100
    minimum: int = 10


class Guard(StrEnum):
    """What holds a collection back, each by itself to be overruled."""

    REFERENCES = "references"
    SOURCE = "source"
    BUCKET = "bucket"
    SHARE = "share"
    ORPHANS = "orphans"
    UNSHOWN = "unshown"


class Rules(NamedTuple):
    """How a collection decides. It is carried out although one of the guards in `allowed` speaks against it."""

    ttl: timedelta
    grace: timedelta
    limits: Limits = Limits()
    allowed: frozenset[Guard] = frozenset()

    @property
    def orphan_wait(self) -> timedelta:
        """How long an orphan is watched before it goes."""
        return max(self.grace, SAFETY_AGE)


class Plan(NamedTuple):
    """What a collection is about to do, or would do: `skipped` are reasons by medium.

    `refused` is why no medium is marked and none is taken away; what is true of this moment is still written down, and
    deletions that were begun are finished.

    `freed` are the bytes of the objects that go, each counted once. `orphans_refused` holds back the orphans alone,
    `unshown_refused` the mirrored images that nothing shows; all orphans that are `watched` are remembered.
    """

    drift: Sequence[WrongCount] = ()
    marks: Sequence[Medium] = ()
    revived: Sequence[Medium] = ()
    deletions: Sequence[Medium] = ()
    unsettled: Sequence[Tombstone] = ()
    orphans: Sequence[Orphan] = ()
    watched: Sequence[Orphan] = ()
    unshown: Sequence[UnshownImage] = ()
    skipped: Mapping[str, str] = {}
    left: int = 0
    freed: int = 0
    refused: str = ""
    orphans_refused: str = ""
    unshown_refused: str = ""

    @property
    def why_held_back(self) -> str:
        """Everything that a guard has refused, in words; empty when none has."""
        return "; ".join(filter(None, (self.refused, self.orphans_refused, self.unshown_refused)))


class Forgotten(NamedTuple):
    """Mirrored images whose rows are gone, by content hash, and the tombstones of their objects."""

    images: Sequence[str] = ()
    tombstones: Sequence[Tombstone] = ()


class Claimed(NamedTuple):
    """The deletions that were committed, and why the others were not: kept media by reason, failed ones by problem."""

    tombstones: Sequence[Tombstone]
    kept: Mapping[str, str]
    failed: Mapping[str, str]


class DeletedObject(NamedTuple):
    """What happened to a tombstone's object.

    With a problem it is still there, as when it `is_wanted` by an upload that is under way; the next collection looks
    again.
    """

    tombstone: Tombstone
    freed: int = 0
    problem: str = ""
    is_wanted: bool = False


class Result(NamedTuple):
    """What a collection did. `deleted` and `orphans` are those whose object is settled; ids of media, object keys.

    `unshown` are the mirrored images that went, by content hash.
    """

    repaired: int = 0
    revived: Sequence[str] = ()
    marked: Sequence[str] = ()
    deleted: Sequence[str] = ()
    orphans: Sequence[str] = ()
    unshown: Sequence[str] = ()
    freed: int = 0
    skipped: Mapping[str, str] = {}
    failed: Mapping[str, str] = {}
    left: int = 0


class Collection(NamedTuple):
    """One collection from beginning to end; a dry one has a plan and no result."""

    run_id: int
    is_dry_run: bool
    started_at: datetime
    finished_at: datetime
    rules: Rules
    survey: Survey
    plan: Plan
    result: Result | None
