"""Thinning keeps what the rule names, loses nothing by being done often or late, and never the last good one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.canvas.retention import Kept, RetentionRule, outlived_projects, thin
from orchestration.canvas.snapshots import list_snapshots, save
from orchestration_tests.canvas.boards import (
    DAY,
    HOUR,
    NOON,
    PROJECT,
    add_projects,
    change,
    do,
    flip_byte,
    loaded,
    rows,
    snapshot,
    work,
)

if TYPE_CHECKING:
    from orchestration.storage.database import Database

RULE = RetentionRule(last=5, days=14, weeks=26)
MONDAY = datetime(2025, 6, 2, tzinfo=UTC)


def every(step: timedelta, count: int, newest: datetime = NOON) -> list[Kept]:
    """Snapshots at a regular pace; the id 0 is the newest."""
    return [Kept(number, newest - number * step) for number in range(count)]


def test_the_last_ones_stay_whatever_their_age() -> None:
    assert RetentionRule(5, 0, 0).surplus(every(HOUR, 8), NOON + 1000 * DAY) == {5, 6, 7}


def test_the_last_of_each_day_stays_for_the_days() -> None:
    surplus = RetentionRule(1, 3, 0).surplus(every(6 * HOUR, 20), NOON)
    # Noon, 06, 00 of the first day; then 18, 12, 06, 00 of each: of those not older than three days, each 18 stays.
    assert set(range(20)) - surplus == {0, 3, 7, 11}


def test_the_last_of_each_week_stays_for_the_weeks() -> None:
    surplus = RetentionRule(1, 0, 4).surplus(every(DAY, 60), MONDAY + timedelta(days=6, hours=23))
    # This week's only one, and the three Sundays that are not older than four weeks.
    assert set(range(60)) - surplus == {0, 1, 8, 15}


def test_named_ones_stay_and_count_for_nothing() -> None:
    snapshots = [Kept(number, NOON - number * HOUR, is_named=number < 3) for number in range(6)]
    assert RetentionRule(2, 0, 0).surplus(snapshots, NOON) == {5}


def test_corrupt_ones_count_for_nothing_and_go_after_the_days() -> None:
    snapshots = [Kept(number, NOON - number * DAY, is_sound=number not in {0, 1, 20}) for number in range(22)]
    surplus = RetentionRule(2, 14, 0).surplus(snapshots, NOON)
    assert {0, 1}.isdisjoint(surplus)
    assert surplus == set(range(15, 22))


ages = st.integers(0, 400 * 24 * 60)
snapshot_lists = st.lists(st.tuples(ages, st.booleans(), st.integers(0, 5)), max_size=60).map(
    lambda drawn: [
        Kept(number, NOON - timedelta(minutes=age), named, bad > 0) for number, (age, named, bad) in enumerate(drawn)
    ]
)
rules = st.builds(RetentionRule, st.integers(1, 6), st.integers(0, 20), st.integers(0, 30))


@given(snapshots=snapshot_lists, rule=rules)
@settings(max_examples=200, deadline=None)
def test_named_and_newest_survive_and_thinning_twice_changes_nothing(
    snapshots: list[Kept], rule: RetentionRule
) -> None:
    surplus = rule.surplus(snapshots, NOON)
    left = [one for one in snapshots if one.snapshot_id not in surplus]
    assert {one for one in snapshots if one.is_named} <= set(left)
    sound = sorted((one.created_at for one in snapshots if one.is_sound and not one.is_named), reverse=True)
    assert (
        sorted((one.created_at for one in left if one.is_sound and not one.is_named), reverse=True)[: rule.last]
        == sound[: rule.last]
    )
    assert rule.surplus(left, NOON) == set()


@given(snapshots=snapshot_lists, rule=rules, steps=st.lists(st.integers(0, 30 * 24), min_size=1, max_size=6))
@settings(max_examples=200, deadline=None)
def test_it_makes_no_difference_how_often_a_project_is_thinned(
    snapshots: list[Kept], rule: RetentionRule, steps: list[int]
) -> None:
    now, left = NOON, snapshots
    for hours in steps:
        now += timedelta(hours=hours)
        surplus = rule.surplus(left, now)
        left = [one for one in left if one.snapshot_id not in surplus]
    once = rule.surplus(snapshots, now)
    assert left == [one for one in snapshots if one.snapshot_id not in once]


def kept(database: Database) -> list[int]:
    """The operations whose states are kept, oldest first."""
    return [row.op_index for row in rows(database, "SELECT op_index FROM canvas_snapshot ORDER BY op_index")]


@pytest.mark.usefixtures("project")
def test_thinning_deletes_snapshots_and_never_the_log(database: Database) -> None:
    for number, operation in enumerate(work(10)):
        do(database, [operation])
        snapshot(database, now=NOON + number * HOUR)
    with database.begin() as connection:
        assert thin(connection, PROJECT, RetentionRule(3, 0, 0), NOON + 9 * HOUR) == 7
        assert thin(connection, PROJECT, RetentionRule(3, 0, 0), NOON + 9 * HOUR) == 0
    assert kept(database) == [7, 8, 9]
    assert loaded(database).replayed == 0
    assert loaded(database, at=4).replayed == 5


@pytest.mark.usefixtures("project")
def test_the_only_sound_snapshot_outlives_newer_ones_that_nobody_knew_were_corrupt(database: Database) -> None:
    ids = []
    for number, operation in enumerate(work(4)):
        do(database, [operation])
        ids.append(snapshot(database, now=NOON + number * HOUR))
    for snapshot_id in ids[1:]:
        flip_byte(database, snapshot_id)
    with database.begin() as connection:
        assert thin(connection, PROJECT, RetentionRule(1, 1, 0), NOON + 4 * HOUR) == 0
        listed = list_snapshots(connection, PROJECT)
    assert [one.corrupt_reason is None for one in listed] == [False, False, False, True]
    found = loaded(database)
    assert (found.snapshot_id, found.replayed) == (ids[0], 3)
    with database.begin() as connection:
        assert thin(connection, PROJECT, RetentionRule(1, 1, 0), NOON + 30 * DAY) == 3
    assert kept(database) == [0]


@pytest.mark.usefixtures("project")
def test_a_named_state_is_never_thinned(database: Database) -> None:
    for number, operation in enumerate(work(6)):
        do(database, [operation])
        with database.begin() as connection:
            save(connection, PROJECT, name="keep" if number == 1 else None, now=NOON + number * HOUR)
    with database.begin() as connection:
        thin(connection, PROJECT, RetentionRule(1, 0, 0), NOON + 1000 * DAY)
    assert kept(database) == [1, 5]


def test_projects_that_nobody_works_on_are_found_when_they_hold_more_than_the_last(
    database: Database, project: str
) -> None:
    add_projects(database, "quiet", "small")
    for project_id, count in ((project, 3), ("quiet", 6), ("small", 2)):
        for number, operation in enumerate(work(count)):
            do(database, [operation], project_id)
            snapshot(database, project_id, now=NOON + number * DAY)
    change(database, "UPDATE canvas_snapshot SET created_at = created_at + interval '1 year' WHERE project_id = 'p-1'")
    rule = RetentionRule(2, 7, 4)
    assert rule.horizon == timedelta(days=28)
    with database.begin() as connection:
        assert outlived_projects(connection, rule, NOON + 100 * DAY) == ["quiet"]
        assert thin(connection, "quiet", rule, NOON + 100 * DAY) == 4
        assert outlived_projects(connection, rule, NOON + 100 * DAY) == []
