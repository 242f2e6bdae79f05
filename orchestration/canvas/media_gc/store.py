"""Media in PostgreSQL and the object store, as the engine uses them.

Marks, deletions, objects. Keep out: counting references (`census`), when any of it is done (`engine`).

What keeps a collection and everybody else apart:
* A deletion locks the medium's row first, and then looks for references. A writer that adds a reference locks it too,
  in a trigger. It comes first, and is seen or waited for; or it comes after, and finds the row gone.
* A collection never waits for a row: one that somebody holds is somebody's business, and kept.
* An upload holds its object key, shared, from before it looks for the object until its row is committed. The deletion
  of an object takes the key for itself alone, and then looks for a row: so no row is left without its object.
* Only one collection runs at a time.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from orchestration.canvas.media_gc.bucket import read_bucket
from orchestration.canvas.media_gc.census import prepare_scan, referenced_media, referenced_objects, take_census
from orchestration.canvas.media_gc.model import Claimed, DeletedObject, Forgotten, Orphan, Survey, Tombstone
from orchestration.canvas.media_gc.plan import is_ours
from orchestration.errors import OrchestrationError, TransientError
from orchestration.media.unshown import find_unshown, forget_unshown, mirrored_keys, note_unshown
from orchestration.observability.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime, timedelta

    from orchestration.canvas.media_gc.model import Bucket, Medium, WrongCount
    from orchestration.canvas.media_gc.references import ReferenceSource
    from orchestration.media.unshown import UnshownImage, UnshownImages
    from orchestration.storage.database import Database
    from orchestration.storage.objects import ObjectStore

log = get_logger()

# Object stores answer in tens of milliseconds, and many at a time.
DELETIONS_AT_ONCE = 8
_ONE_COLLECTION = 0x4D47_4331  # "MGC1"


class MediaStore:
    """A `GarbageStore` over the real things; `run_id` is what it notes its marks and deletions under.

    `shown` are SELECTs of the URLs of the images that something shows.
    """

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        sources: Sequence[ReferenceSource],
        run_id: int | None = None,
        shown: Sequence[str] = (),
    ) -> None:
        self._database = database
        self._objects = objects
        self._sources = sources
        self._run_id = run_id
        self._shown = shown

    def survey(self, now: datetime, ttl: timedelta, most: int) -> Survey:
        """Scan the references, and compare database and bucket."""
        bucket = read_bucket(self._database, self._objects)
        orphans = self._orphans(bucket)
        with self._database.begin() as connection:
            census = take_census(connection, self._sources, now, ttl, most)
        return Survey(census, bucket, orphans, self._unshown(now - ttl, most))

    def repair(self, drift: Sequence[WrongCount], now: datetime) -> None:
        """Store the true counts, and since when media are without; a row that somebody holds gets its own next time."""
        columns = {"ids": [one.media_id for one in drift], "counts": [one.counted for one in drift]}
        with self._database.begin() as connection:
            connection.execute(_REPAIR, {**columns, "stored": [one.stored for one in drift], "now": now})

    def revive(self, media_ids: Collection[str]) -> None:
        """Lift the marks."""
        with self._database.begin() as connection:
            connection.execute(_REVIVE, {"ids": list(media_ids)})

    def mark(self, media_ids: Collection[str], now: datetime, delete_after: datetime) -> Collection[str]:
        """Mark media, but for those that are gone meanwhile; which."""
        values = {"ids": list(media_ids), "run": self._run_id, "now": now, "delete_after": delete_after}
        with self._database.begin() as connection:
            return set(connection.execute(_MARK, values).scalars())

    def watch(self, orphans: Sequence[Orphan], now: datetime) -> None:
        """Remember since when these objects are orphans, and forget all others."""
        values = {"paths": [orphan.storage_path for orphan in orphans], "now": now}
        with self._database.begin() as connection:
            connection.execute(_FORGET, values)
            connection.execute(_WATCH, values)
            note_unshown(connection, self._shown, now)

    def claim(self, media: Sequence[Medium], now: datetime) -> Claimed:
        """Turn the rows into tombstones, in one transaction with the last look for references.

        When the database refuses some row, as a foreign key of somebody else may, the others go without it.
        """
        try:
            return self._claim([medium.media_id for medium in media], now)
        except sa.exc.DBAPIError as error:
            if len(media) == 1:
                problem = " ".join(str(error.orig).split())
                log.warning("a medium could not be deleted", media_id=media[0].media_id, error=problem)
                return Claimed((), {}, {media[0].media_id: problem})
        middle = len(media) // 2
        first, second = self.claim(media[:middle], now), self.claim(media[middle:], now)
        tombstones = [*first.tombstones, *second.tombstones]
        return Claimed(tombstones, {**first.kept, **second.kept}, {**first.failed, **second.failed})

    def claim_orphans(self, orphans: Sequence[Orphan], now: datetime) -> Sequence[Tombstone]:
        """Write the tombstones of objects that no row names."""
        values = {
            "run": self._run_id,
            "now": now,
            "paths": [orphan.storage_path for orphan in orphans],
            "sizes": [orphan.bytes for orphan in orphans],
            "seen": [orphan.seen_at for orphan in orphans],
            "reason": "orphan",
        }
        with self._database.begin() as connection:
            return [Tombstone(*row) for row in connection.execute(_BURY_OBJECTS, values)]

    def forget(self, images: Sequence[UnshownImage], now: datetime) -> Forgotten:
        """Take the rows of mirrored images away, but for those that something shows again."""
        by_key = {key: image for image in images for key in image.keys}
        with self._database.begin() as connection:
            keys = forget_unshown(connection, self._shown, [image.content_hash for image in images])
            going = {key: self._objects.size(key) for key in keys}
            values = {
                "run": self._run_id,
                "now": now,
                "paths": list(going),
                "sizes": [size or 0 for size in going.values()],
                "seen": [by_key[key].since for key in going],
                "reason": "unshown",
            }
            tombstones = [Tombstone(*row) for row in connection.execute(_BURY_OBJECTS, values)]
        gone = sorted({by_key[one.storage_path].content_hash for one in tombstones})
        return Forgotten(gone, tombstones)

    def settle(self, tombstones: Sequence[Tombstone], now: datetime) -> Sequence[DeletedObject]:
        """Delete the objects of a batch that no medium has any more; each key is held until the result is committed."""
        with self._database.begin() as connection:
            pending = connection.execute(_PENDING, {"ids": [one.id for one in tombstones]}).all()
            unshown = {row.storage_path for row in pending if row.reason == "unshown"}
            states = self._settle_objects(connection, sorted({row.storage_path for row in pending}), unshown)
            ends = _ends([row for row in pending if row.storage_path in states], states, self._run_id)
            if ends:
                columns = dict(zip(_End._fields, map(list, zip(*ends, strict=True)), strict=True))
                connection.execute(_SETTLE, {**columns, "now": now})
        by_id = {end.id: end for end in ends}
        return [
            DeletedObject(one, by_id[one.id].freed, by_id[one.id].error or "")
            if one.id in by_id
            else DeletedObject(one, problem="its content is being uploaded again at this moment", is_wanted=True)
            for one in tombstones
        ]

    def _claim(self, media_ids: list[str], now: datetime) -> Claimed:
        with self._database.begin() as connection:
            prepare_scan(connection)
            values = {"ids": media_ids, "run": self._run_id, "now": now}
            locked = set(connection.execute(_LOCK, values).scalars())
            # A statement of its own, and so of a later moment than the locks.
            live = referenced_media(connection, self._sources, sorted(locked)) if locked else set()
            connection.execute(_REVIVE, {"ids": sorted(live)})
            buried = connection.execute(_BURY, {**values, "ids": sorted(locked - live)})
            tombstones = [Tombstone(*row) for row in buried]
        kept = dict.fromkeys(live, "something refers to it again")
        return Claimed(tombstones, kept | dict.fromkeys(set(media_ids) - locked, "somebody is using it"), {})

    def _unshown(self, before: datetime, most: int) -> UnshownImages:
        """The images that nothing shows; one of those that some text names by its hash stays."""
        with self._database.begin() as connection:
            found = find_unshown(connection, self._shown, before, most)
            keys = [key for image in found.first for key in image.keys]
            named = referenced_objects(connection, self._sources, keys) if keys else set()
        kept = [image for image in found.first if named.isdisjoint(image.keys)]
        return found._replace(first=kept, unshown=found.unshown - len(found.first) + len(kept))

    def _orphans(self, bucket: Bucket) -> list[Orphan]:
        keys = sorted(bucket.orphans)
        if not keys:
            return []
        with self._database.begin() as connection:
            seen = {row.storage_path: row.seen_at for row in connection.execute(_SEEN, {"paths": keys})}
            referenced = referenced_objects(connection, self._sources, list(seen)) if seen else set()
        orphans = [Orphan(key, bucket.orphans[key], seen.get(key), key in referenced) for key in keys]
        return sorted(orphans, key=lambda orphan: (orphan.seen_at is None, orphan.seen_at, orphan.storage_path))

    def _settle_objects(
        self, connection: sa.Connection, paths: Sequence[str], unshown: Collection[str]
    ) -> dict[str, str]:
        """What becomes of each object: a state, or a problem after a colon. Those that an upload holds are left out.

        Of the mirrored images' objects only those that are `unshown` may go; a medium may only name others.
        """
        held = set(connection.execute(_HOLD_KEYS, {"paths": paths}).scalars())
        owned = set(connection.execute(_OWNED, {"paths": sorted(held)}).scalars()) | mirrored_keys(connection, held)
        states = dict.fromkeys(owned, "shared")
        states |= {path: "foreign" for path in held - owned if not (path in unshown or is_ours(path))}
        rest = sorted(held - states.keys())
        with ThreadPoolExecutor(DELETIONS_AT_ONCE) as pool:
            return states | dict(zip(rest, pool.map(self._delete, rest), strict=True))

    def _delete(self, path: str) -> str:
        try:
            return "deleted" if self._objects.delete(path) else "missing"
        except OrchestrationError as error:
            log.warning("an object could not be deleted", storage_path=path, error=str(error))
            return f":{error}"


class _End(NamedTuple):
    """What is written into a tombstone; with an error, its object is still pending."""

    id: int
    state: str
    freed: int
    error: str | None


def _ends(pending: Sequence[sa.Row[Any]], states: Mapping[str, str], run_id: int | None) -> list[_End]:
    """How each tombstone ends. Of several rows of one object the first one frees it."""
    ends: list[_End] = []
    freed = set()
    for row in pending:
        state, _, problem = states[row.storage_path].partition(":")
        if state == "missing" and row.run_id != run_id:
            state = "deleted"  # by the collection that wrote the tombstone, and ended before it could say so
        if state == "deleted" and row.storage_path in freed:
            state = "shared"
        freed.add(row.storage_path)
        ends.append(_End(row.id, state or "pending", row.bytes if state == "deleted" else 0, problem or None))
    return ends


@contextmanager
def one_collection(database: Database) -> Iterator[None]:
    """Keep every other collection of this database out; raises `TransientError` when one is at work."""
    with database.connect() as connection:
        if not connection.execute(_ENTER, {"lock": _ONE_COLLECTION}).scalar_one():
            raise TransientError("Another media collection is at work; try again when it has ended")
        try:
            yield
        finally:
            connection.execute(_LEAVE, {"lock": _ONE_COLLECTION})


_ENTER = sa.text("SELECT pg_try_advisory_lock(:lock)")
_LEAVE = sa.text("SELECT pg_advisory_unlock(:lock)")

_REPAIR = sa.text("""
    WITH repaired AS (
        UPDATE canvas_media AS m SET referenced_by_count = d.counted
        FROM unnest(CAST(:ids AS text[]), CAST(:counts AS integer[]), CAST(:stored AS integer[]))
            AS d (media_id, counted, stored)
        WHERE m.media_id = d.media_id AND m.media_id IN (
            SELECT media_id FROM canvas_media WHERE media_id = ANY (:ids) FOR NO KEY UPDATE SKIP LOCKED
        ) RETURNING m.media_id, d.counted, d.stored
    )
    INSERT INTO media_unreferenced (media_id, since)
    SELECT media_id, :now FROM repaired WHERE counted = 0 AND stored > 0
    ON CONFLICT (media_id) DO UPDATE SET since = excluded.since
""")

_REVIVE = sa.text("DELETE FROM media_gc_mark WHERE media_id = ANY (:ids)")

_MARK = sa.text("""
    INSERT INTO media_gc_mark AS k (media_id, run_id, marked_at, delete_after)
    SELECT media_id, :run, :now, :delete_after FROM (
        SELECT media_id FROM canvas_media WHERE media_id = ANY (:ids) ORDER BY media_id FOR KEY SHARE SKIP LOCKED
    ) AS m
    ON CONFLICT (media_id) DO UPDATE SET run_id = excluded.run_id, marked_at = excluded.marked_at,
        delete_after = excluded.delete_after, undone_at = NULL WHERE k.undone_at IS NOT NULL
    RETURNING media_id
""")

_FORGET = sa.text("DELETE FROM media_orphan WHERE NOT storage_path = ANY (:paths)")
_WATCH = sa.text("""
    INSERT INTO media_orphan (storage_path, seen_at) SELECT path, :now FROM unnest(CAST(:paths AS text[])) AS path
    ON CONFLICT DO NOTHING
""")
_SEEN = sa.text("SELECT storage_path, seen_at FROM media_orphan WHERE storage_path = ANY (:paths)")

# `FOR UPDATE` conflicts with the `FOR KEY SHARE` of those who add a reference.
_LOCK = sa.text("""
    SELECT m.media_id FROM canvas_media AS m JOIN media_gc_mark AS k USING (media_id)
    WHERE m.media_id = ANY (:ids) AND k.undone_at IS NULL AND k.delete_after <= :now
    ORDER BY m.media_id FOR UPDATE OF m, k SKIP LOCKED
""")

_BURY = sa.text("""
    WITH gone AS (
        DELETE FROM canvas_media AS m USING media_gc_mark AS k
        WHERE m.media_id = k.media_id AND m.media_id = ANY (:ids) RETURNING m.*, k.marked_at, k.run_id
    )
    INSERT INTO media_tombstone
        (run_id, reason, media_id, storage_path, url, origin, project_id, bytes, created_at, marked_at, marked_by,
        deleted_at)
    SELECT :run, 'unreferenced', media_id, storage_path, url, origin, project_id, bytes, created_at, marked_at, run_id,
        :now
    FROM gone ORDER BY storage_path, media_id
    RETURNING id, media_id, storage_path, bytes
""")

_BURY_OBJECTS = sa.text("""
    INSERT INTO media_tombstone (run_id, reason, storage_path, bytes, marked_at, deleted_at)
    SELECT :run, :reason, path, size, seen, :now
    FROM unnest(CAST(:paths AS text[]), CAST(:sizes AS bigint[]), CAST(:seen AS timestamptz[])) AS o (path, size, seen)
    RETURNING id, media_id, storage_path, bytes
""")

_PENDING = sa.text("""
    SELECT id, run_id, reason, storage_path, bytes FROM media_tombstone
    WHERE id = ANY (:ids) AND object_state = 'pending' ORDER BY id FOR UPDATE
""")

_HOLD_KEYS = sa.text("""
    SELECT path FROM unnest(CAST(:paths AS text[])) AS path
    WHERE pg_try_advisory_xact_lock(hashtextextended(path, 0))
""")

_OWNED = sa.text("SELECT DISTINCT storage_path FROM canvas_media WHERE storage_path = ANY (:paths)")

_SETTLE = sa.text("""
    UPDATE media_tombstone AS t SET object_state = s.state, freed = s.freed, error = s.error,
        settled_at = CASE WHEN s.state = 'pending' THEN NULL ELSE CAST(:now AS timestamptz) END
    FROM unnest(CAST(:id AS bigint[]), CAST(:state AS text[]), CAST(:freed AS bigint[]), CAST(:error AS text[]))
        AS s (id, state, freed, error)
    WHERE t.id = s.id
""")
