"""What a collection does, held by the scripted store and by the real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.canvas.media_gc.model import FOLDER
from orchestration_tests.canvas.media_gc.worlds import body_of, key_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.canvas.media_gc.model import Collection
    from orchestration_tests.canvas.media_gc.worlds import RealWorld, World

GRACE_DAYS = 3
TTL_DAYS = 30


def fill(world: World, used: int = 12) -> None:
    """Media in use, so that a few dead ones are a small share."""
    for number in range(used):
        world.add(f"used-{number}")
        world.refer(f"place-{number}", f"used-{number}")


def marked(collection: Collection) -> Sequence[str]:
    """The media that a collection marked."""
    assert collection.result is not None
    return sorted(collection.result.marked)


def deleted(collection: Collection) -> Sequence[str]:
    """The media that a collection deleted."""
    assert collection.result is not None
    return sorted(collection.result.deleted)


def collect_after(world: World, days: float) -> Collection:
    """Collect so many days later."""
    world.clock.turn(days=days)
    return world.collect()


def test_a_dead_medium_is_marked_and_deleted_when_its_grace_is_over(world: World) -> None:
    fill(world)
    key = world.add("dead")

    assert marked(world.collect()) == ["dead"]
    assert deleted(collect_after(world, GRACE_DAYS - 0.1)) == []
    assert "dead" in world.media()

    last = collect_after(world, 0.1)
    assert deleted(last) == ["dead"]
    assert last.result is not None
    assert last.result.freed == len(body_of("dead"))
    assert "dead" not in world.media()
    assert key not in world.objects()
    assert len(world.media()) == len(world.objects()) == 12


def test_a_medium_that_is_not_older_than_the_ttl_is_left_alone(world: World) -> None:
    fill(world)
    world.add("young", days_old=30)
    assert marked(world.collect()) == []
    assert marked(collect_after(world, 0.01)) == ["young"]


def test_a_shorter_ttl_may_be_asked_for(world: World) -> None:
    fill(world)
    world.add("young", days_old=8)
    assert marked(world.collect(ttl_days=7)) == ["young"]


def test_a_reference_by_object_key_keeps_every_row_of_the_object(world: World) -> None:
    fill(world)
    world.add("one", "same")
    world.add("two", "same")
    world.refer("elsewhere", key_of("same"))
    assert marked(world.collect()) == []


def test_a_shared_object_goes_with_its_last_row(world: World) -> None:
    fill(world)
    world.add("one", "same")
    world.add("two", "same")
    world.refer("place", "one")
    world.collect()
    first = collect_after(world, GRACE_DAYS)
    assert deleted(first) == ["two"]
    assert first.result is not None
    assert first.result.freed == 0
    assert key_of("same") in world.objects()

    world.drop("place")
    assert marked(world.collect()) == [], "its time begins with the end of its last reference"
    assert marked(collect_after(world, TTL_DAYS + 0.1)) == ["one"]
    last = collect_after(world, GRACE_DAYS)
    assert deleted(last) == ["one"]
    assert last.result is not None
    assert last.result.freed == len(body_of("same"))
    assert key_of("same") not in world.objects()


def test_two_dead_rows_free_their_object_once(world: World) -> None:
    fill(world)
    for name in ("one", "two"):
        world.add(name, "same")
    world.collect()
    rehearsed = world.collect(dry_run=True)
    assert rehearsed.plan.freed == 0
    last = collect_after(world, GRACE_DAYS)
    assert last.result is not None
    assert (deleted(last), last.result.freed) == (["one", "two"], len(body_of("same")))


def test_a_dry_run_shows_what_the_real_run_does_and_changes_nothing(world: World) -> None:
    fill(world, 40)
    for number in range(4):
        world.add(f"dead-{number}", f"content-{number // 2}")
    world.put_object(f"{FOLDER}/ab/lost.bin", 77)
    world.collect()
    world.clock.turn(days=GRACE_DAYS)
    world.add("late")
    world.refer("again", "dead-0")
    before = (world.media(), world.objects(), world.counts())

    dry = world.collect(dry_run=True)
    assert (world.media(), world.objects(), world.counts()) == before
    assert dry.result is None

    real = world.collect()
    assert real.result is not None
    assert real.plan == dry.plan
    assert marked(real) == [medium.media_id for medium in dry.plan.marks] == ["late"]
    assert deleted(real) == sorted(medium.media_id for medium in dry.plan.deletions) == ["dead-1", "dead-2", "dead-3"]
    assert real.result.orphans == [orphan.storage_path for orphan in dry.plan.orphans] == [f"{FOLDER}/ab/lost.bin"]
    assert real.result.freed == dry.plan.freed == len(body_of("content-1")) + 77
    assert sum(before[1].values()) - sum(world.objects().values()) == dry.plan.freed


def test_a_marked_medium_that_is_used_again_is_kept(world: World) -> None:
    fill(world)
    world.add("back")
    world.collect()
    world.clock.turn(days=GRACE_DAYS)
    world.refer("again", "back")
    collection = world.collect()
    assert collection.result is not None
    assert (collection.result.revived, deleted(collection)) == (["back"], [])
    world.drop("again")
    assert marked(collect_after(world, 1)) == [], "its time begins again"
    assert marked(collect_after(world, TTL_DAYS)) == []
    assert marked(collect_after(world, 0.1)) == ["back"]
    assert deleted(collect_after(world, GRACE_DAYS)) == ["back"]


@pytest.mark.parametrize("stored", [-3, 0, 7])
def test_stored_counts_are_never_trusted_and_always_repaired(world: World, stored: int) -> None:
    fill(world)
    world.add("twice")
    world.refer("a", "twice")
    world.refer("b", "twice")
    world.add("dead")
    for name in ("twice", "dead"):
        world.set_count(name, stored)
    collection = world.collect()
    assert marked(collection) == ([] if stored > 0 else ["dead"]), "what may have been in use has its time"
    assert world.counts()["twice"] == 2
    assert world.counts()["dead"] == 0
    assert not world.collect().plan.drift


def test_an_undone_mark_is_not_set_again_before_another_ttl(world: World) -> None:
    fill(world)
    world.add("wanted")
    run_id = world.collect().run_id
    world.undo(run_id)
    assert deleted(collect_after(world, GRACE_DAYS)) == []
    assert marked(collect_after(world, 26)) == []
    assert "wanted" in world.media()
    assert marked(collect_after(world, 1.1)) == ["wanted"]
    assert deleted(collect_after(world, GRACE_DAYS)) == ["wanted"]


def test_no_references_at_all_are_no_reason_to_delete_everything(world: World) -> None:
    for number in range(5):
        world.add(f"m-{number}")
    collection = world.collect()
    assert "nothing refers to any of 5 media" in collection.plan.refused
    assert marked(collection) == []
    assert len(marked(world.collect(allow=("references",)))) == 5


def test_a_source_that_lost_all_its_references_is_no_reason_either(world: World) -> None:
    fill(world)
    world.collect()
    for number in range(12):
        world.drop(f"place-{number}")
    assert world.collect().plan.refused


def test_more_than_a_share_of_all_media_is_refused(world: World) -> None:
    fill(world, 30)
    for number in range(11):
        world.add(f"dead-{number}")
    collection = world.collect()
    assert "11 of 41 media (27 %) would go, more than 25%; use --allow share" in collection.plan.refused
    assert (marked(collection), world.counts()["used-0"]) == ([], 1), "the counts are true all the same"
    assert len(marked(world.collect(allow=("share",)))) == 11


def test_marks_of_many_days_count_against_the_share_together(world: World) -> None:
    fill(world, 24)
    for number in range(6):
        world.add(f"first-{number}")
    assert len(marked(world.collect())) == 6
    for number in range(6):
        world.add(f"second-{number}")
    world.clock.turn(days=1)
    assert "12 of 36 media" in world.collect().plan.refused


def test_what_goes_beyond_the_limit_goes_next_time(world: World) -> None:
    fill(world, 40)
    for number in range(5):
        world.add(f"dead-{number}", days_old=60 - number)
    assert marked(world.collect(max_items=2)) == ["dead-0", "dead-1"]
    world.clock.turn(days=1)
    assert marked(world.collect(max_items=10)) == ["dead-2", "dead-3", "dead-4"]
    world.clock.turn(days=GRACE_DAYS)
    collection = world.collect(max_items=4)
    assert len(deleted(collection)) == 4
    assert collection.result is not None
    assert collection.result.left == 1
    assert len(deleted(world.collect(max_items=4))) == 1


def test_an_orphaned_object_is_watched_before_it_goes(world: World) -> None:
    fill(world)
    lost = f"{FOLDER}/ab/lost.bin"
    world.put_object(lost, 100)
    first = world.collect()
    assert first.survey.bucket.orphans == {lost: 100}
    assert first.plan.orphans == []
    assert lost in world.objects()
    last = collect_after(world, GRACE_DAYS)
    assert last.result is not None
    assert (last.result.orphans, last.result.freed) == ([lost], 100)
    assert lost not in world.objects()


def test_an_orphaned_object_that_something_names_stays(world: World) -> None:
    fill(world)
    lost = f"{FOLDER}/ab/lost.bin"
    world.put_object(lost, 100)
    world.refer("old", lost)
    world.collect()
    collect_after(world, 30)
    assert lost in world.objects()


def test_a_bucket_of_orphans_is_more_likely_another_database(world: World) -> None:
    fill(world)
    for number in range(11):
        world.put_object(f"{FOLDER}/ab/{number}.bin", 10)
    world.add("dead")
    world.collect()
    collection = collect_after(world, GRACE_DAYS)
    assert "11 of 24 objects have no row" in collection.plan.orphans_refused
    assert deleted(collection) == ["dead"], "the media themselves are another matter"
    assert len(world.objects()) == 23
    forced = world.collect(allow=("orphans",))
    assert forced.result is not None
    assert len(forced.result.orphans) == 11


def test_an_empty_bucket_is_the_wrong_one(world: World) -> None:
    fill(world)
    world.add("dead")
    for key in world.objects():
        world.lose_object(key)
    assert "holds none of 13 objects; look at its address" in world.collect().plan.refused


def test_a_use_between_two_collections_begins_the_time_again(real: RealWorld) -> None:
    fill(real)
    real.add("tried")
    assert marked(real.collect()) == ["tried"]
    real.show("for-a-moment", "tried")
    real.drop("for-a-moment")
    assert marked(collect_after(real, 1)) == []
    assert marked(collect_after(real, TTL_DAYS)) == []
    assert marked(collect_after(real, 0.1)) == ["tried"]


def test_a_source_of_one_reference_may_lose_it(world: World) -> None:
    fill(world)
    world.add("dead")
    assert marked(world.collect()) == ["dead"]
    world.drop("place-0")
    assert not collect_after(world, GRACE_DAYS).plan.refused


def test_a_small_store_is_collected(world: World) -> None:
    fill(world, 3)
    for name in ("dead-1", "dead-2"):
        world.add(name)
    assert marked(world.collect()) == ["dead-1", "dead-2"]
    assert deleted(collect_after(world, GRACE_DAYS)) == ["dead-1", "dead-2"]


def test_a_generation_in_the_trash_keeps_its_media(real: RealWorld) -> None:
    fill(real)
    real.add("picture")
    document = '\'{"images": [{"id": "picture"}]}\''
    real.execute(f"INSERT INTO generation_history (history_id, uid, document) VALUES ('g', 'u', {document})")  # noqa: S608
    real.collect()
    real.execute("UPDATE generation_history SET is_deleted = true")
    assert marked(collect_after(real, TTL_DAYS + 10)) == []
    real.execute("UPDATE generation_history SET is_deleted = false")
    assert marked(collect_after(real, TTL_DAYS + 10)) == []
    real.execute("UPDATE generation_history SET is_deleted = true")
    real.execute(
        "SET LOCAL session_replication_role = replica; "
        "UPDATE generation_history SET deleted_at = now() - interval '31 days'"
    )
    assert marked(collect_after(real, 1)) == [], "now its time begins"
    assert marked(collect_after(real, TTL_DAYS + 0.1)) == ["picture"]
