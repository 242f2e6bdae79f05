"""The steps of a collection, their order, their limits, and what a failure stops: nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.canvas.media_gc.engine import execute
from orchestration.errors import TransientError
from orchestration.settings import Settings
from orchestration_tests.canvas.media_gc.scripted import unreachable
from orchestration_tests.canvas.media_gc.worlds import ScriptedWorld, body_of, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEAD = 20


@pytest.fixture
def world() -> ScriptedWorld:
    """Twenty media whose grace is over, to be deleted seven at a time."""
    world = ScriptedWorld(Settings(gc_batch=7, gc_max_minutes=10))
    for number in range(4 * DEAD):
        world.add(f"used-{number}")
        world.refer(f"place-{number}", f"used-{number}")
    for number in range(DEAD):
        world.add(f"dead-{number}")
    world.collect()
    world.clock.turn(days=3)
    return world


def test_objects_go_in_batches(world: ScriptedWorld) -> None:
    result = world.collect().result
    assert result is not None
    assert world.store.batches == [7, 7, 6]
    assert len(result.deleted) == DEAD
    assert result.freed == sum(len(body_of(name)) for name in result.deleted)


def test_the_time_limit_ends_between_two_batches_and_the_next_run_goes_on(world: ScriptedWorld) -> None:
    world.store.on_settle = lambda: world.clock.turn(minutes=6)
    result = world.collect().result
    assert result is not None
    assert (len(result.deleted), result.left) == (14, 6)
    assert len(world.store.tombstones) == 6, "their rows are gone, their objects follow"
    again = world.collect().result
    assert again is not None
    assert (len(again.deleted), again.left) == (6, 0)
    assert world.collect().survey.bucket.difference == 0


def test_a_stop_is_heard_between_two_batches(world: ScriptedWorld) -> None:
    collection = world.collect(dry_run=True)
    stops = iter([False, True])
    result = execute(world.store, collection.plan, collection.rules, world.clock, lambda: next(stops))
    assert (len(result.deleted), result.left) == (7, 13)


def test_one_object_that_cannot_be_deleted_stops_no_other(world: ScriptedWorld) -> None:
    world.store.stubborn = {key_of("dead-3")}
    result = world.collect().result
    assert result is not None
    assert result.failed == {"dead-3": "access denied"}
    assert len(result.deleted) == DEAD - 1
    assert result.freed == sum(len(body_of(name)) for name in result.deleted)
    world.store.stubborn = set()
    again = world.collect().result
    assert again is not None
    assert (again.deleted, again.freed) == (["dead-3"], len(body_of("dead-3")))


def test_one_row_that_refuses_stops_no_other(world: ScriptedWorld) -> None:
    world.store.frozen = {"dead-5"}
    result = world.collect().result
    assert result is not None
    assert (result.failed, len(result.deleted)) == ({"dead-5": "a foreign key"}, DEAD - 1)
    assert "dead-5" in world.media()


def test_a_batch_that_fails_as_a_whole_stops_no_other(world: ScriptedWorld) -> None:
    scripts: Iterator[Callable[[], None]] = iter([lambda: None, unreachable, lambda: None])

    def interfere() -> None:
        next(scripts)()

    world.store.on_settle = interfere
    result = world.collect().result
    assert result is not None
    assert (len(result.deleted), len(result.failed)) == (13, 7)
    assert set(result.failed.values()) == {"The database did not answer"}


def test_a_reference_that_comes_after_the_survey_keeps_its_medium(world: ScriptedWorld) -> None:
    world.store.on_claim = lambda: world.refer("late", "dead-1")
    result = world.collect().result
    assert result is not None
    assert result.skipped == {"dead-1": "something refers to it again"}
    assert "dead-1" in world.media()


def test_every_due_medium_is_accounted_for_once(world: ScriptedWorld) -> None:
    world.store.stubborn, world.store.frozen = {key_of("dead-3")}, {"dead-5"}
    world.store.on_claim = lambda: world.refer("late", "dead-1")
    result = world.collect(max_items=18).result
    assert result is not None
    assert len(result.deleted) + len(result.failed) + len(result.skipped) + result.left == DEAD
    assert result.left == 2


def test_a_database_that_is_away_ends_the_run_before_any_object_is_touched(world: ScriptedWorld) -> None:
    world.store.on_claim = unreachable
    objects = world.objects()
    with pytest.raises(TransientError):
        world.collect()
    assert world.objects() == objects
