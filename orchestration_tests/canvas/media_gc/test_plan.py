"""What a collection decides, from surveys made by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestration.canvas.media_gc.model import (
    FOLDER,
    Census,
    Guard,
    Limits,
    Medium,
    Orphan,
    Rules,
    Survey,
    Tombstone,
    WrongCount,
)
from orchestration.canvas.media_gc.plan import freed_bytes, is_ours, make_plan, within_limits
from orchestration_tests.canvas.media_gc.scripted import START, ScriptedStore

DAY = timedelta(days=1)


def survey(**values: object) -> Survey:
    """A sound survey of 100 media with these values changed."""
    empty = ScriptedStore().survey(START, DAY, 10)
    counted: dict[str, Any] = {name: value for name, value in values.items() if name in Census._fields}
    beside: dict[str, Any] = {name: value for name, value in values.items() if name not in counted}
    census = empty.census._replace(media=100, places={"elements": 90})._replace(**counted)
    return empty._replace(census=census, **beside)


def rules(grace: timedelta = 3 * DAY, **limits: object) -> Rules:
    """The usual rules, with other limits."""
    return Rules(30 * DAY, grace, Limits(**limits))  # type: ignore[arg-type]  # each test's own


def media(*sizes: int) -> list[Medium]:
    """Media of these sizes, each with an object of its own."""
    return [Medium(f"m-{number}", f"{FOLDER}/aa/{number}.bin", size) for number, size in enumerate(sizes)]


@given(st.lists(st.integers(0, 60), max_size=12), st.integers(1, 6), st.integers(1, 100))
def test_a_run_takes_the_first_that_fit_and_never_more(sizes: list[int], items: int, most: int) -> None:
    due = media(*sizes)
    taken, skipped = within_limits(due, Limits(items=items, bytes=most))
    assert len(taken) <= items
    assert sum(medium.bytes for medium in taken) <= most
    possible = [medium for medium in due if medium.bytes <= most]
    assert taken == possible[: len(taken)], "in order, with none left out in between"
    assert taken or not possible, "something is always done"
    assert set(skipped) <= {medium.media_id for medium in due if medium.bytes > most}


def test_a_medium_that_is_larger_than_any_run_may_delete_says_so_and_blocks_nothing() -> None:
    plan = make_plan(survey(due=media(10, 500, 20), due_total=3, marked=3), rules(bytes=100), START)
    assert [medium.media_id for medium in plan.deletions] == ["m-0", "m-2"]
    assert plan.skipped == {"m-1": "it has 500 bytes; raise ORCHESTRATION_GC_MAX_BYTES to delete it"}
    assert (plan.left, plan.freed) == (0, 30)


def test_the_bytes_of_a_shared_object_are_freed_once_and_with_its_last_row_only() -> None:
    shared = [Medium(name, f"{FOLDER}/aa/s.bin", 7, sharers=3) for name in "abc"]
    assert freed_bytes(shared[:2]) == 0
    assert freed_bytes([*shared, *media(5)]) == 12


def test_objects_elsewhere_are_not_ours() -> None:
    assert is_ours(f"{FOLDER}/aa/1.bin")
    assert not is_ours("media/aa/1.bin")
    assert not is_ours(f"{FOLDER}x/1.bin")
    assert freed_bytes([Medium("m", "media/aa/1.bin", 7)]) == 0


def test_a_source_that_had_references_and_has_none_is_refused_by_name() -> None:
    places = {"elements": 90, "snapshots": 0}
    lost = survey(places=places, former_places={"elements": 80, "snapshots": 11})
    refused = make_plan(lost, rules(), START).refused
    assert refused.startswith("the source snapshots refers to no medium, where the last collection found 11 places")
    assert "use --allow source if" in refused
    assert not make_plan(lost, rules()._replace(allowed=frozenset({Guard.SOURCE})), START).refused
    few = survey(places=places, former_places={"elements": 80, "snapshots": 10})
    assert not make_plan(few, rules(), START).refused
    assert not make_plan(survey(places=places, former_places={"snapshots": 0}), rules(), START).refused


def test_the_share_counts_candidates_that_a_limit_leaves_for_later() -> None:
    assert "30 of 100 media" in make_plan(survey(candidate_total=30), rules(items=2), START).refused
    assert not make_plan(survey(candidate_total=25), rules(items=2), START).refused


def test_a_system_without_media_has_nothing_to_refuse() -> None:
    assert not make_plan(survey(media=0, places={"elements": 0}), rules(), START).refused


BEGUN = [Tombstone(1, "m", f"{FOLDER}/aa/x.bin", 5)]


def test_a_refused_plan_takes_nothing_away_and_finishes_what_was_begun() -> None:
    found = survey(
        places={}, due=media(1), candidates=media(2), candidate_total=1, drift=[WrongCount("m", 1, 2)],
        revived=media(3), unsettled=BEGUN,
    )  # fmt: skip
    plan = make_plan(found, rules(), START)
    assert (plan.marks, plan.deletions, plan.orphans) == ((), (), ())
    assert (plan.drift, plan.revived, plan.unsettled) == ([WrongCount("m", 1, 2)], media(3), BEGUN)


def test_nothing_is_deleted_in_what_may_be_another_bucket() -> None:
    bucket = survey().bucket._replace(database_objects=50, objects=0)
    plan = make_plan(survey(bucket=bucket, unsettled=BEGUN), rules(), START)
    assert "use --allow bucket" in plan.refused
    assert plan.unsettled == ()


def test_each_guard_is_overruled_by_its_own_name() -> None:
    found = survey(places={}, candidate_total=90)
    assert "--allow references" in make_plan(found, rules(), START).refused
    allowed = rules()._replace(allowed=frozenset({Guard.REFERENCES}))
    assert "--allow share" in make_plan(found, allowed, START).refused
    allowed = rules()._replace(allowed=frozenset({Guard.REFERENCES, Guard.SHARE}))
    assert not make_plan(found, allowed, START).refused


def test_two_of_five_media_are_nothing_odd() -> None:
    small = survey(media=5, places={"elements": 3}, candidate_total=2)
    assert not make_plan(small, rules(), START).refused
    assert "2 of 5 media (40 %)" in make_plan(small, rules(minimum=1), START).refused


def test_an_orphan_is_watched_for_a_day_even_without_a_grace() -> None:
    bucket = survey().bucket._replace(objects=50)
    orphans = [Orphan("a", 1, START - DAY), Orphan("b", 1, START - 0.9 * DAY), Orphan("c", 1)]
    plan = make_plan(survey(bucket=bucket, orphans=orphans), rules(grace=timedelta(0)), START)
    assert [orphan.storage_path for orphan in plan.orphans] == ["a"]
    assert plan.watched == orphans


def test_orphans_take_what_the_media_leave_of_the_limit() -> None:
    bucket = survey().bucket._replace(objects=50)
    orphans = [Orphan(name, 40, START - 9 * DAY) for name in "ab"]
    found = survey(bucket=bucket, orphans=orphans, due=media(30), due_total=1, marked=1)
    plan = make_plan(found, rules(bytes=100), START)
    assert (plan.freed, [orphan.storage_path for orphan in plan.orphans]) == (70, ["a"])
