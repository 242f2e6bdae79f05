"""Counts and durations that outlive tasks: raised where tasks are settled, by any number of workers at once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from orchestration.errors import InvalidInputError
from orchestration.work_queue.model import NewTask, Outcome, TaskCancelledError
from orchestration.work_queue.statistics import BOUNDS, CLASSES, quantile
from orchestration_tests.work_queue.queues import claim, claim_one, enqueue, make_queue, pass_time, reap, settle

if TYPE_CHECKING:
    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue
    from orchestration.work_queue.statistics import OutcomeStatistics


def statistics(database: Database, queue: TaskQueue, seconds: float | None = None) -> dict[str, OutcomeStatistics]:
    with database.connect() as connection:
        return {one.outcome: one for one in queue.statistics(connection, seconds)}


def counts(database: Database, queue: TaskQueue, seconds: float | None = None) -> dict[str, int]:
    return {outcome: one.tasks for outcome, one in statistics(database, queue, seconds).items()}


def row_count(database: Database) -> int:
    with database.connect() as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM task_statistic")).scalar_one())


def prune(database: Database, queue: TaskQueue) -> None:
    with database.begin() as connection:
        queue.prune(connection)


def test_every_way_to_end_is_counted(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "done", "flaky", "broken", "stopped", "lost")
    done, flaky, broken, stopped, _ = claim(database, queue)
    with database.begin() as connection:
        queue.settle(connection, [Outcome(done), Outcome(flaky, ValueError("again"))])
        queue.settle(connection, [Outcome(broken, InvalidInputError("no")), Outcome(stopped, TaskCancelledError("x"))])
    reap(database, queue)
    enqueue(database, queue, "withdrawn")
    with database.begin() as connection:
        queue.request_cancel(connection, "withdrawn")
    assert counts(database, queue) == {"completed": 1, "retried": 1, "dead": 1, "cancelled": 2, "lost": 1}
    assert counts(database, make_queue("families")) == {}


def test_a_task_that_dies_with_its_workers_is_counted_as_dead(database: Database) -> None:
    queue = make_queue(attempts=1)
    enqueue(database, queue, "killer")
    for _ in range(2):
        claim_one(database, queue)
        reap(database, queue)
    assert counts(database, queue) == {"lost": 1, "dead": 1}


def test_what_is_rolled_back_is_not_counted(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    task = claim_one(database, queue)
    with database.begin() as connection:
        queue.settle(connection, [Outcome(task)])
        connection.rollback()
    assert counts(database, queue) == {}


def test_waiting_and_running_are_summed_and_sorted_into_classes(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a", "b")
    pass_time(database, 30)
    tasks = claim(database, queue)
    with database.begin() as connection:
        connection.execute(
            sa.text("UPDATE task SET claimed_at = claimed_at - interval '3 s', run_at = run_at - interval '3 s'")
        )
    settle(database, queue, tasks)
    found = statistics(database, queue)["completed"]
    assert found.waited_seconds == pytest.approx(60, abs=4)
    assert found.ran_seconds == pytest.approx(6, abs=4)
    assert {BOUNDS[one]: count for one, count in enumerate(found.waited) if count} == {50: 2}
    assert {BOUNDS[one]: count for one, count in enumerate(found.ran) if count} == {5: 2}
    assert 20 < (quantile(found.waited, 0.5) or 0) <= 50


def test_counts_outlive_the_tasks(database: Database) -> None:
    queue = make_queue(keep=0)
    enqueue(database, queue, "a", "b")
    settle(database, queue, claim(database, queue))
    prune(database, queue)
    assert counts(database, queue) == {"completed": 2}


def test_folding_keeps_every_count_and_leaves_a_row_an_hour(database: Database, queue: TaskQueue) -> None:
    for n in range(20):
        enqueue(database, queue, str(n))
        settle(database, queue, claim(database, queue))
        if n % 7 == 0:
            prune(database, queue)
    before = statistics(database, queue)
    prune(database, queue)
    after = statistics(database, queue)
    assert before["completed"].tasks == after["completed"].tasks == 20
    assert (before["completed"].waited, before["completed"].ran) == (after["completed"].waited, after["completed"].ran)
    rows = row_count(database)
    prune(database, queue)
    assert row_count(database) == rows <= CLASSES


def test_hours_that_are_no_longer_kept_become_one_and_stay_in_the_total(database: Database, queue: TaskQueue) -> None:
    for days in (200, 100, 1):
        enqueue(database, queue, "a")
        settle(database, queue, claim(database, queue))
        with database.begin() as connection:
            aged = sa.text("UPDATE task_statistic SET hour = hour - :by WHERE NOT is_folded")
            connection.execute(aged, {"by": timedelta(days=days)})
        prune(database, queue)
    assert counts(database, queue) == {"completed": 3}
    with database.connect() as connection:
        hours = connection.execute(sa.text("SELECT DISTINCT hour FROM task_statistic ORDER BY 1")).scalars().all()
    assert hours[0].year == 1970
    assert len(hours) == 2
    assert counts(database, queue, seconds=3 * 86_400) == {"completed": 1}


def test_workers_that_settle_and_fold_at_the_same_time_lose_nothing_and_wait_for_nobody(
    database: Database, queue: TaskQueue
) -> None:
    """Each holds its transaction open while the others settle: a shared row would make them wait, and deadlock."""
    enqueue(database, queue, *(NewTask(str(n)) for n in range(40)))

    def work(worker: int) -> int:
        done = 0
        while tasks := claim(database, queue, worker, limit=3):
            settle(database, queue, tasks)
            prune(database, queue)
            done += len(tasks)
        return done

    first = claim(database, queue, worker=9, limit=4)
    with database.begin() as connection:
        queue.settle(connection, [Outcome(task) for task in first])
        with ThreadPoolExecutor(4) as pool:
            done = sum(pool.map(work, range(4)))
    assert done == 36
    prune(database, queue)
    assert counts(database, queue) == {"completed": 40}


def test_without_tasks_there_is_no_quantile() -> None:
    assert quantile([0] * CLASSES, 0.5) is None


@given(seconds=st.lists(st.floats(0, BOUNDS[-1] - 1), min_size=1), share=st.floats(0.01, 1))
def test_a_quantile_lies_in_the_class_of_the_true_one(seconds: list[float], share: float) -> None:
    classes = Counter(sum(bound <= one for bound in BOUNDS) for one in seconds)
    found = quantile([classes[one] for one in range(CLASSES)], share)
    rank = min(len(seconds) - 1, max(0, -int(-share * len(seconds) // 1) - 1))
    true = sorted(seconds)[rank]
    upper = min(bound for bound in BOUNDS if bound > true)
    lower = max([0.0, *(bound for bound in BOUNDS if bound <= true)])
    assert found is not None
    assert lower <= found <= upper
