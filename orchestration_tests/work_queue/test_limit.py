"""Queues that take only so many waiting tasks, counted and inserted as one, with shares that are kept for a level."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.errors import ConfigurationError, QueueFullError, TransientError
from orchestration.work_queue.model import Enqueued, NewTask, Priority
from orchestration.work_queue.policy import QueuePolicy, RetryPolicy
from orchestration.work_queue.queue import TaskQueue
from orchestration_tests.work_queue.queues import claim, claim_one, enqueue, settle, states

if TYPE_CHECKING:
    from orchestration.storage.database import Database

LEVELS: st.SearchStrategy[dict[int, int]] = st.dictionaries(st.sampled_from([0, 1, 2]), st.integers(0, 30))


def bounded(most: int | None = 3, shares: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> TaskQueue:
    return TaskQueue(QueuePolicy("previews", RetryPolicy(3, 60.0), most_waiting=most, reserved_shares=shares))


def test_waiting_and_delayed_tasks_fill_a_queue_and_active_ones_do_not(database: Database) -> None:
    queue = bounded()
    enqueue(database, queue, "active")
    claim(database, queue)
    enqueue(database, queue, "a", NewTask("b", delay=60), "c")
    with pytest.raises(QueueFullError, match=r"previews is full: 3 tasks wait, and 1 of 1 more find no room") as full:
        enqueue(database, queue, "d")
    assert full.value.retry_after == 30
    assert isinstance(full.value, TransientError)
    claim_one(database, queue)
    enqueue(database, queue, "d")


def test_tasks_that_do_not_all_fit_are_all_refused(database: Database) -> None:
    queue = bounded()
    enqueue(database, queue, "a", "b")
    with pytest.raises(QueueFullError, match="1 of 2 more"):
        enqueue(database, queue, "c", "d")
    assert set(states(database)) == {"a", "b"}


def test_a_full_queue_takes_news_of_the_tasks_that_it_has(database: Database) -> None:
    queue = bounded(1)
    enqueue(database, queue, "a")
    with database.begin() as connection:
        assert queue.enqueue(connection, [NewTask("a", "newer")]) == Enqueued(0, 1)
    assert claim_one(database, queue).payload == "newer"


def test_the_suggested_wait_follows_from_the_pace_of_the_queue(database: Database) -> None:
    queue = bounded(1_000)
    enqueue(database, queue, *map(str, range(1_000)))
    settle(database, queue, claim(database, queue, limit=900))
    enqueue(database, queue, *(f"more {n}" for n in range(900)))
    with pytest.raises(QueueFullError) as full:
        enqueue(database, queue, "one")
    assert full.value.retry_after is not None
    assert 1 <= full.value.retry_after <= 4, "900 tasks ended since the hour began, so a place is free in seconds"


def test_many_callers_at_once_never_exceed_the_limit(database: Database) -> None:
    queue = bounded(20)

    def call(number: int) -> bool:
        try:
            enqueue(database, queue, f"{number} a", f"{number} b")
        except QueueFullError:
            return False
        return True

    with ThreadPoolExecutor(12) as pool:
        accepted = list(pool.map(call, range(30)))
    assert accepted.count(True) == 10
    assert len(states(database)) == 20


def test_a_level_that_floods_the_queue_leaves_the_others_their_share(database: Database) -> None:
    queue = bounded(10, shares=(0.2, 0.0, 0.1))
    flood = [NewTask(f"normal {n}") for n in range(8)]
    with pytest.raises(QueueFullError, match="1 of 8 more"):
        enqueue(database, queue, *flood)
    enqueue(database, queue, *flood[:7])
    enqueue(database, queue, *(NewTask(f"high {n}", priority=Priority.HIGH) for n in range(2)))
    enqueue(database, queue, NewTask("low", priority=Priority.LOW))
    for level in Priority:
        with pytest.raises(QueueFullError):
            enqueue(database, queue, NewTask("more", priority=level))


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.1), (-0.1, 0.0, 0.0)])
def test_shares_that_make_no_sense_are_refused(shares: tuple[float, float, float]) -> None:
    with pytest.raises(ConfigurationError, match="reserved shares of previews"):
        bounded(10, shares)


@given(
    most=st.integers(0, 40),
    shares=st.tuples(*[st.floats(0, 0.33)] * 3),
    waves=st.lists(LEVELS, max_size=5),
)
def test_accepted_tasks_never_exceed_the_limit_and_a_reserved_share_always_fits(
    most: int, shares: tuple[float, float, float], waves: list[dict[int, int]]
) -> None:
    policy = bounded(most, shares).policy
    waiting: Counter[int] = Counter()
    for wave in waves:
        if not policy.excess(waiting, wave):
            waiting.update(wave)
    assert waiting.total() <= most
    for level in Priority:
        free = int(most * shares[level]) - waiting[level]
        assert policy.excess(waiting, {int(level): max(0, free)}) == 0


def test_a_queue_without_a_limit_has_room_for_all() -> None:
    assert bounded(None).policy.excess({0: 10**6}, {0: 10**6}) == 0
