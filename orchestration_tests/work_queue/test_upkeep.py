"""Counting, dead letters and their replay, cancelling, pruning; and what the table itself refuses."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.errors import InvalidInputError
from orchestration.work_queue.model import NewTask, QueueCounts
from orchestration.work_queue.policy import QueuePolicy, Retention, RetryPolicy
from orchestration.work_queue.queue import TaskQueue
from orchestration_tests.work_queue.queues import (
    claim,
    claim_one,
    enqueue,
    keys,
    make_queue,
    pass_time,
    settle,
    states,
)

if TYPE_CHECKING:
    from orchestration.storage.database import Database


def bury(database: Database, queue: TaskQueue, *wanted: str) -> None:
    """Let these tasks die, one after the other."""
    for key in wanted:
        enqueue(database, queue, key)
        settle(database, queue, [claim_one(database, queue)], InvalidInputError("broken"))


def test_an_empty_queue_counts_nothing(database: Database, queue: TaskQueue) -> None:
    with database.begin() as connection:
        assert queue.counts(connection) == QueueCounts(0, 0, 0, 0, 0, None, None)
        assert queue.next_due(connection) is None


def test_counts_tell_every_state_of_all_tasks_or_of_one_grouping(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, NewTask("done", grouping="A1"), NewTask("active", grouping="A1"))
    done, _ = claim(database, queue)
    settle(database, queue, [done])
    bury(database, queue, "dead")
    pass_time(database, 5)
    enqueue(database, queue, NewTask("waiting", grouping="A1"), NewTask("delayed", grouping="A2", delay=60))
    pass_time(database, 10)
    with database.begin() as connection:
        everything, mine = queue.counts(connection), queue.counts(connection, "A1")
    assert everything == QueueCounts(1, 1, 1, 1, 1, everything.oldest_seconds, everything.next_due_seconds)
    assert everything.oldest_seconds == pytest.approx(10, abs=2)
    assert everything.next_due_seconds == pytest.approx(50, abs=2)
    assert mine == QueueCounts(1, 1, 1, 0, 0, mine.oldest_seconds, None)


def test_unfinished_keys_are_those_that_wait_or_are_active(database: Database, queue: TaskQueue) -> None:
    bury(database, queue, "dead")
    enqueue(database, queue, "done", "active")
    done, _ = claim(database, queue)
    settle(database, queue, [done])
    enqueue(database, queue, "waiting", NewTask("delayed", delay=60))
    with database.begin() as connection:
        wanted = ["dead", "done", "active", "waiting", "delayed", "unknown"]
        assert queue.unfinished(connection, wanted) == {"active", "waiting", "delayed"}
        assert queue.unfinished(connection, []) == set()


def test_dead_letters_are_listed_newest_first(database: Database, queue: TaskQueue) -> None:
    bury(database, queue, "a", "b", "c")
    with database.begin() as connection:
        assert [letter.key for letter in queue.dead(connection, limit=2)] == ["c", "b"]


def test_replay_first_says_how_many_and_changes_nothing(database: Database, queue: TaskQueue) -> None:
    bury(database, queue, "a", "b")
    with database.begin() as connection:
        assert queue.replay(connection, dry_run=True) == 2
        assert queue.replay(connection, ["b", "unknown"], dry_run=True) == 1
    assert states(database) == {"a": "dead", "b": "dead"}


def test_replayed_tasks_begin_anew_and_once(database: Database, queue: TaskQueue) -> None:
    bury(database, queue, "a", "b", "c")
    with database.begin() as connection:
        assert queue.replay(connection, ["b"]) == 1
        assert queue.replay(connection, ["b"]) == 0
    assert [(task.key, task.attempt) for task in claim(database, queue)] == [("b", 1)]
    with database.begin() as connection:
        assert queue.replay(connection) == 2


def test_cancelling_removes_the_waiting_tasks_of_a_grouping_and_no_others(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, NewTask("active", grouping="A1"))
    running = claim(database, queue)
    enqueue(
        database,
        queue,
        NewTask("active", grouping="A1"),
        NewTask("waiting", grouping="A1"),
        NewTask("delayed", grouping="A1", delay=60),
        NewTask("other", grouping="A2"),
        NewTask("none"),
    )
    with database.begin() as connection:
        assert queue.cancel(connection, "A1") == 2
    settle(database, queue, running)
    assert states(database) == {"active": "completed", "other": "waiting", "none": "waiting"}


def test_finished_tasks_are_pruned_by_age_and_by_count_and_dead_ones_by_age(database: Database) -> None:
    queue = TaskQueue(QueuePolicy("images", RetryPolicy(1), keep_completed=Retention(timedelta(hours=1), count=2)))
    bury(database, queue, "dead long ago", "dead lately")
    with database.begin() as connection:
        connection.execute(
            sa.text("UPDATE task SET finished_at = now() - interval '8 days' WHERE key = 'dead long ago'")
        )
    for key in ("old", "one", "two", "three"):
        enqueue(database, queue, key)
        settle(database, queue, claim(database, queue))
        if key == "old":
            pass_time(database, 3601)
    enqueue(database, queue, "waiting")
    with database.begin() as connection:
        assert queue.prune(connection) == 3
        assert queue.prune(connection) == 0
    assert states(database) == {
        "dead lately": "dead",
        "two": "completed",
        "three": "completed",
        "waiting": "waiting",
    }


def test_dead_letters_are_pruned_by_count_too(database: Database) -> None:
    queue = TaskQueue(QueuePolicy("images", RetryPolicy(1), keep_dead=Retention(timedelta(days=1), count=2)))
    bury(database, queue, "a", "b", "c")
    with database.begin() as connection:
        assert queue.prune(connection) == 1
    assert set(states(database)) == {"b", "c"}


def test_cancelled_tasks_are_pruned_as_completed_ones_are(database: Database) -> None:
    queue = make_queue(keep=1)
    enqueue(database, queue, "a", "b")
    with database.begin() as connection:
        for key in ("a", "b"):
            queue.request_cancel(connection, key)
        assert queue.prune(connection) == 1
    assert states(database) == {"b": "cancelled"}


def test_one_call_prunes_a_bounded_number(database: Database) -> None:
    queue = make_queue(keep=0)
    enqueue(database, queue, *"abcde")
    settle(database, queue, claim(database, queue))
    pruned = []
    for _ in range(4):
        with database.begin() as connection:
            pruned.append(queue.prune(connection, limit=2))
    assert pruned == [2, 2, 1, 0]


def test_pruning_leaves_other_queues_alone(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    settle(database, queue, claim(database, queue))
    other = TaskQueue(QueuePolicy("families", RetryPolicy(1), keep_completed=Retention(timedelta(0), count=0)))
    with database.begin() as connection:
        assert other.prune(connection) == 0
    assert keys(claim(database, make_queue())) == []
    assert states(database) == {"a": "completed"}


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("state = 'lost'", "ck_task_state"),
        ("priority = 3", "ck_task_priority"),
        ("state = 'active'", "ck_task_owner"),
        ("worker = 1", "ck_task_owner"),
        ("state = 'completed'", "ck_task_finished"),
        ("state = 'dead', finished_at = now()", "ck_task_reason"),
        ("rerun = true", "ck_task_rerun"),
        ("state = 'cancelled'", "ck_task_finished"),
        ("percent = 101", "ck_task_percent"),
        ("cancel_requested_at = now()", "ck_task_cancel_requested"),
    ],
)
def test_the_table_refuses_a_state_that_makes_no_sense(
    database: Database, queue: TaskQueue, change: str, constraint: str
) -> None:
    enqueue(database, queue, "a")
    with pytest.raises(sa.exc.IntegrityError, match=constraint), database.begin() as connection:
        connection.execute(sa.text(f"UPDATE task SET {change}"))  # noqa: S608  # written above


def test_the_table_refuses_a_second_unfinished_task_of_one_key(database: Database, queue: TaskQueue) -> None:
    bury(database, queue, "a")
    with pytest.raises(sa.exc.IntegrityError, match="uq_task_unfinished_key"), database.begin() as connection:
        connection.execute(sa.text("INSERT INTO task (queue, key) VALUES ('images', 'a')"))
