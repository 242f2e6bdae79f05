"""Media collection: the scan over all references against reading each medium's again, and a long race.

Prints, for 100,000 media and 1,000,000 references: the scan that counts them all, a dry run with everything else that
it looks at, a real run that marks and one that deletes 10,000 media with their objects, what the triggers add to
writing references, and the naive way, which asks every source for each candidate (a slice of them, scaled). Then the
race of the tests, over more days and writers.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
import structlog

from orchestration.canvas.media_gc.census import take_census
from orchestration.canvas.media_gc.collector import CollectOptions, MediaGarbageCollector
from orchestration.canvas.media_gc.model import FOLDER, Guard
from orchestration.gallery.references import media_references
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration_tests.benchmarks.timing import Timing, median, report, timed
from orchestration_tests.canvas.media_gc.race import Race, overdue
from orchestration_tests.canvas.media_gc.scripted import Clock
from orchestration_tests.canvas.media_gc.worlds import RealWorld

if TYPE_CHECKING:
    from collections.abc import Iterator

MEDIA, REFERENCES = 100_000, 1_000_000
DEAD = 10_000
ROUNDS = 3
# The rival asks for so many candidates; all of them would take hours.
RIVAL_MEDIA = 3
NEW_ELEMENTS = 20_000
OBJECT_BYTES = 200
RACE_DAYS = 400
TTL, GRACE, INTERVAL = timedelta(days=5), timedelta(days=3), timedelta(days=1)


@contextmanager
def opened(**settings: object) -> Iterator[Services]:
    """Services with a database and a store of their own."""
    with tempfile.TemporaryDirectory(prefix="orchestration-bench-") as folder:
        services = Services(Settings(home=Path(folder), **settings))  # type: ignore[arg-type]  # as the caller has them
        _ = services.database
        yield services
        services.close()


def fill(services: Services) -> None:
    """Media with an object each; references from elements (60 %), snapshots (20 %) and generations (20 %)."""
    values = {"media": MEDIA, "live": MEDIA - DEAD, "folder": f"{FOLDER}/", "size": OBJECT_BYTES}
    with services.database.begin() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        for statement in _FILL:
            connection.execute(sa.text(statement), values | {"references": REFERENCES})
    with services.database.connect() as connection:
        connection.execute(sa.text("ANALYZE"))
        paths = connection.execute(sa.text("SELECT storage_path FROM canvas_media")).scalars().all()
    root = Path(services.settings.object_store_url.removeprefix("file://"))
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(bytes(OBJECT_BYTES))


def ask_for_each(services: Services, collector: MediaGarbageCollector, limit: int) -> int:
    """The rival: for each candidate, look through every source whether it names the medium; how many it asked for."""
    with services.database.connect() as connection:
        rows = connection.execute(
            sa.text("SELECT media_id, url, storage_path FROM canvas_media ORDER BY media_id LIMIT :n"), {"n": limit}
        ).all()
        for row in rows:
            for source in collector.sources:
                asked = f"SELECT EXISTS (SELECT FROM ({source.query}) AS s WHERE value = ANY (:names))"  # noqa: S608
                connection.execute(sa.text(asked), {"names": list(row)}).scalar_one()
    return len(rows)


def race_the_scan() -> None:
    """The scan, whole collections, and the rival."""
    print(f"\nMedia collection: {MEDIA} media, {REFERENCES} references, {DEAD} media dead")
    scan: list[Timing] = []
    dry: list[Timing] = []
    rival: list[Timing] = []
    marking: list[Timing] = []
    deleting: list[Timing] = []
    with opened() as services:
        fill(services)
        clock = Clock()
        clock.now = datetime.now(UTC) + timedelta(days=60)
        collector = MediaGarbageCollector(services, media_references(services.settings), clock)
        for _ in range(ROUNDS):
            with timed(scan), services.database.begin() as connection:
                census = take_census(connection, collector.sources, clock(), timedelta(days=30), DEAD)
            assert (census.candidate_total, sum(census.places.values())) == (DEAD, REFERENCES)
            with timed(dry):
                collector.collect(CollectOptions(dry_run=True))
        with timed(rival):
            asked = ask_for_each(services, collector, RIVAL_MEDIA)
        with timed(marking):
            collector.collect()
        clock.turn(days=3)
        with timed(deleting):
            deleted = collector.collect().result
        assert deleted is not None
        assert (len(deleted.deleted), deleted.freed) == (DEAD, DEAD * OBJECT_BYTES)
        assert collector.reconcile().difference == 0
    share = DEAD / asked
    naive = Timing(rival[0].wall * share, rival[0].cpu * share, rival[0].peak_mb)
    report("naive, each candidate asked for (scaled)", naive, items=DEAD, what="candidates")
    report("one scan for all", median(scan), items=REFERENCES, what="references", rival=naive)
    report("a dry run, bucket and all", median(dry), items=MEDIA, what="media")
    report("a run that marks", marking[0], items=DEAD, what="marked")
    report("a run that deletes", deleting[0], items=DEAD, what="deleted")


def cost_of_holding() -> None:
    """What the triggers add to writing references, a hundred at a time."""
    print(f"\nWriting {NEW_ELEMENTS} references")
    found: dict[bool, list[Timing]] = {True: [], False: []}
    with opened() as services:
        world = RealWorld(services)
        world.execute(_FILL[1], media=MEDIA, folder=f"{FOLDER}/", size=OBJECT_BYTES)
        for attempt in range(ROUNDS):
            for holds in (False, True):
                with timed(found[holds]):
                    _write_elements(services, f"{attempt}-{holds}", holds=holds)
    report("without triggers", median(found[False]), items=NEW_ELEMENTS, what="elements")
    report("with triggers", median(found[True]), items=NEW_ELEMENTS, what="elements", rival=median(found[False]))


def _write_elements(services: Services, name: str, *, holds: bool) -> None:
    for start in range(0, NEW_ELEMENTS, 100):
        with services.database.begin() as connection:
            if not holds:
                connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
            connection.execute(_ELEMENTS, {"name": name, "start": start, "end": start + 99})


def soak() -> None:
    """The race of the tests, longer."""
    print(f"\nRace of 4 writers and 3 uploaders against {RACE_DAYS} daily collections")
    found: list[Timing] = []
    with opened() as services:
        world = RealWorld(services)
        race = Race(world, seed=7)
        with timed(found), race.actors(writers=4, uploaders=3):
            for day in range(RACE_DAYS):
                world.clock.turn(days=1)
                world.collect(ttl_days=TTL.days, allow=tuple(Guard))
                if day % 20 == 0:
                    with race.stillness():
                        world.collect(ttl_days=TTL.days, allow=tuple(Guard))
                        assert overdue(race, TTL, GRACE, INTERVAL) == []
        assert race.wrong == []
        for _ in range(12):
            world.clock.turn(days=1)
            world.collect(ttl_days=TTL.days, allow=tuple(Guard))
        bucket = world.collector.reconcile()
        freed = world.execute("SELECT sum(freed) FROM media_tombstone")[0][0]
        assert (bucket.difference, race.counts["bytes created"]) == (0, freed + bucket.bytes)
    report("daily collections", found[0], items=RACE_DAYS, what="collections")
    print(f"  {dict(race.counts)}; {freed} bytes freed, {bucket.bytes} left, difference {bucket.difference}")


def main() -> None:
    """Run all of it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    race_the_scan()
    cost_of_holding()
    soak()


_FILL = (
    "INSERT INTO canvas_project (project_id, name, owner_uid) VALUES ('p', 'Board', 'ada')",
    """
    INSERT INTO canvas_media (media_id, url, storage_path, bytes)
    SELECT 'm-' || n, 'https://canvas/m-' || n, :folder || left(md5(n::text), 2) || '/' || md5(n::text) || '.bin', :size
    FROM generate_series(1, :media) AS n
    """,
    """
    INSERT INTO canvas_element (project_id, element_id, type, meta)
    SELECT 'p', 'e' || n, 'image', jsonb_build_object('mediaId', m.media_id, 'url', m.url,
        'storagePath', m.storage_path, 'text', 'caption ' || n, 'fill', '#ffffff')
    FROM generate_series(1, :references * 6 / 10) AS n JOIN canvas_media AS m ON m.media_id = 'm-' || (n % :live + 1)
    """,
    """
    INSERT INTO canvas_snapshot (project_id, op_index, version, checksum, element_count, elements, name, media_refs)
    SELECT 'p', n, 1, '', 0, '', 's' || n, ARRAY['m-' || (n % :live + 1)]
    FROM generate_series(1, :references * 2 / 10) AS n
    """,
    """
    INSERT INTO generation_history (history_id, uid, document)
    SELECT 'h' || n, 'u', jsonb_build_object('prompt', 'a fox, number ' || n, 'images', jsonb_build_array(
        jsonb_build_object('id', 'i' || n, 'url', 'https://canvas/m-' || (n % :live + 1),
            'thumbnailUrl', 'https://t/' || n)))
    FROM generate_series(1, :references * 2 / 10) AS n
    """,
)

_ELEMENTS = sa.text("""
    INSERT INTO canvas_element (project_id, element_id, type, meta)
    SELECT 'p', CAST(:name AS text) || n, 'image', jsonb_build_object('mediaId', 'm-' || (n * 37 % 100000 + 1),
        'url', 'https://canvas/m-' || (n * 37 % 100000 + 1), 'text', 'caption ' || n)
    FROM generate_series(CAST(:start AS integer), CAST(:end AS integer)) AS n
""")


if __name__ == "__main__":
    main()
