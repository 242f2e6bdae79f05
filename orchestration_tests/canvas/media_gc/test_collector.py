"""One collection of a process: its options, what it notes, what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
import sqlalchemy as sa

from orchestration.canvas.media_gc import health
from orchestration.canvas.media_gc.collector import CollectOptions, MediaGarbageCollector
from orchestration.canvas.media_gc.model import Guard
from orchestration.canvas.media_gc.runs import tombstones
from orchestration.errors import ConfigurationError, NotFoundError
from orchestration_tests.canvas.media_gc.worlds import body_of, key_of

if TYPE_CHECKING:
    from orchestration_tests.canvas.media_gc.worlds import RealWorld


class Source(NamedTuple):
    """A source of references that a test makes up."""

    name: str
    query: str


@pytest.fixture
def world(real: RealWorld) -> RealWorld:
    """Twelve media in use, and two dead ones."""
    for number in range(12):
        real.add(f"used-{number}")
        real.show(f"place-{number}", f"used-{number}")
    for name in ("dead-1", "dead-2"):
        real.add(name)
    return real


def run_row(world: RealWorld, run_id: int) -> sa.RowMapping:
    """What is noted of a collection."""
    row: sa.RowMapping = world.execute("SELECT * FROM media_gc_run WHERE id = :id", id=run_id)[0]._mapping
    return row


def test_what_a_collection_did_can_be_read_afterwards(world: RealWorld) -> None:
    world.set_count("used-7", 3)
    first = world.collect()
    world.clock.turn(days=3)
    second = world.collect()
    noted = run_row(world, first.run_id)
    assert (noted["marked"], noted["deleted"], noted["media"], noted["repaired"]) == (2, 0, 14, 1)
    assert noted["places"]["elements"] == 12
    noted = run_row(world, second.run_id)
    freed = len(body_of("dead-1")) + len(body_of("dead-2"))
    assert (noted["marked"], noted["deleted"], noted["bytes"], noted["media"]) == (0, 2, freed, 14)
    assert noted["finished_at"] == world.clock()
    with world.services.database.connect() as connection:
        gone = tombstones(connection, second.run_id)
    assert [(row["media_id"], row["object_state"], row["freed"]) for row in gone] == [
        (name, "deleted", len(body_of(name))) for name in sorted(("dead-1", "dead-2"), key=key_of)
    ]
    assert {row["marked_by"] for row in gone} == {first.run_id}


def test_a_refusal_is_noted_and_is_a_finding_until_a_collection_goes_through(world: RealWorld) -> None:
    for number in range(9):
        world.add(f"more-{number}")
    collection = world.collect()
    assert run_row(world, collection.run_id)["refused_reason"] == collection.plan.refused
    with world.services.database.connect() as connection:
        assert health.refused_collections(connection).examples[0][2] == collection.plan.refused
    world.collect(dry_run=True, allow=tuple(Guard))
    with world.services.database.connect() as connection:
        assert health.refused_collections(connection).total == 1
    world.collect(allow=tuple(Guard))
    with world.services.database.connect() as connection:
        assert health.refused_collections(connection).total == 0


def test_a_source_that_cannot_be_read_ends_the_collection(world: RealWorld) -> None:
    sources = (Source("lost", "SELECT 'x' AS place, no_such_column AS value FROM canvas_project"),)
    collector = MediaGarbageCollector(world.services, sources, world.clock)
    with pytest.raises(sa.exc.ProgrammingError, match="no_such_column"):
        collector.collect()
    assert world.marked() == set()


def test_a_source_of_another_domain_counts_as_much_as_ours(world: RealWorld) -> None:
    sources = (Source("theirs", "SELECT 'x' AS place, 'dead-1' AS value"),)
    collection = MediaGarbageCollector(world.services, sources, world.clock).collect()
    assert [medium.media_id for medium in collection.plan.marks] == ["dead-2"]
    assert collection.survey.census.places["theirs"] == 1


def test_undoing_keeps_what_is_left_and_tells_what_is_not(world: RealWorld) -> None:
    run_id = world.collect().run_id
    world.clock.turn(days=3)
    world.collect(max_items=1)
    undone = world.collector.undo(run_id)
    assert (len(undone.kept), len(undone.deleted)) == (1, 1)
    assert set(undone.kept + undone.deleted) == {"dead-1", "dead-2"}
    assert world.collector.undo(run_id).kept == []
    with pytest.raises(NotFoundError, match="There was no collection 4711"):
        world.collector.undo(4711)


@pytest.mark.parametrize("options", [CollectOptions(ttl_days=0), CollectOptions(max_items=0)])
def test_options_that_make_no_sense_are_refused(world: RealWorld, options: CollectOptions) -> None:
    with pytest.raises(ConfigurationError, match="both must be above 0"):
        world.collector.collect(options)


def test_counts_that_would_mislead_are_found(world: RealWorld) -> None:
    world.execute("UPDATE canvas_media SET referenced_by_count = 0")
    assert health.misleading_counts(world.collector).total == 12
    world.collect()
    assert health.misleading_counts(world.collector).total == 0
    world.set_count("used-3", -2)
    found = health.misleading_counts(world.collector)
    assert (found.total, found.examples) == (1, [("used-3", -2, 1)])


def test_a_live_medium_that_is_marked_is_found(world: RealWorld) -> None:
    world.collect()
    assert health.live_media_marked(world.collector).total == 0
    world.refer("bypassed", "dead-1")
    found = health.live_media_marked(world.collector)
    assert (found.total, found.examples[0][:2]) == (1, ("dead-1", 1))
    world.collect()
    assert health.live_media_marked(world.collector).total == 0


def test_differences_between_database_and_bucket_are_found_the_worst_first(world: RealWorld) -> None:
    assert health.bucket_differences(world.collector).total == 0
    world.lose_object(key_of("used-1"))
    world.put_object("canvas/media/ab/orphan.bin", 5)
    found = health.bucket_differences(world.collector)
    assert [row[1] for row in found.examples] == ["missing", "orphan"]
