"""What enqueueing does to a key that is new, waiting, active, dead or completed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.errors import InvalidInputError
from orchestration.work_queue.model import Enqueued, NewTask, Priority
from orchestration_tests.work_queue.queues import (
    claim,
    claim_one,
    enqueue,
    keys,
    make_queue,
    pass_time,
    rows,
    settle,
    states,
)

if TYPE_CHECKING:
    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue


def test_a_key_is_enqueued_once_however_often_it_comes(database: Database, queue: TaskQueue) -> None:
    with database.begin() as connection:
        first = queue.enqueue(connection, [NewTask("a"), NewTask("b"), NewTask("a")])
        second = queue.enqueue(connection, [NewTask("b"), NewTask("c")])
    assert (first, second) == (Enqueued(2, 0), Enqueued(1, 1))
    assert keys(claim(database, queue)) == ["a", "b", "c"]


def test_enqueueing_nothing_is_nothing(database: Database, queue: TaskQueue) -> None:
    with database.begin() as connection:
        assert queue.enqueue(connection, []) == Enqueued(0, 0)


def test_tasks_vanish_with_the_transaction_that_enqueued_them(database: Database, queue: TaskQueue) -> None:
    with database.begin() as connection:
        queue.enqueue(connection, [NewTask("a")])
        connection.rollback()
    assert claim(database, queue) == []


def test_queues_do_not_share_keys(database: Database, queue: TaskQueue) -> None:
    other = make_queue("families")
    enqueue(database, queue, "a")
    enqueue(database, other, "a")
    assert keys(claim(database, queue)) == ["a"]
    assert keys(claim(database, other)) == ["a"]


def test_a_payload_comes_back_as_json_decodes_it(database: Database, queue: TaskQueue) -> None:
    payloads = [{"url": "https://example.org/Ärmel & Co?a=1", "n": 2**40}, [1, 2.5, None], "text", None, True]
    enqueue(database, queue, *(NewTask(str(n), payload) for n, payload in enumerate(payloads)))
    assert [task.payload for task in claim(database, queue)] == payloads


def test_a_waiting_task_takes_the_newer_payload_the_higher_priority_and_the_earlier_time(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, NewTask("a", 1, grouping="A1", priority=Priority.LOW, delay=60))
    enqueue(database, queue, NewTask("a", 2, grouping="A2", priority=Priority.HIGH))
    enqueue(database, queue, NewTask("a", 3, grouping="A3", priority=Priority.NORMAL, delay=60))
    (task,) = claim(database, queue)
    assert (task.payload, task.grouping, rows(database)["a"].priority) == (3, "A3", Priority.HIGH)


def test_repeats_in_one_call_are_merged_as_if_they_came_one_by_one(database: Database, queue: TaskQueue) -> None:
    with database.begin() as connection:
        queue.enqueue(
            connection,
            [NewTask("a", 1, priority=Priority.HIGH), NewTask("b"), NewTask("a", 2, priority=Priority.LOW, delay=60)],
        )
    assert [(task.key, task.payload) for task in claim(database, queue)] == [("a", 2), ("b", {})]


def test_enqueueing_again_does_not_cut_the_wait_of_a_retry_short(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    settle(database, queue, claim(database, queue), ValueError("server busy"))
    enqueue(database, queue, "a")
    assert claim(database, queue) == []
    pass_time(database, 61)
    assert claim_one(database, queue).attempt == 2


def test_a_task_enqueued_while_active_runs_once_more_with_the_new_payload(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, NewTask("a", "old"))
    running = claim(database, queue)
    enqueue(database, queue, NewTask("a", "newer"))
    enqueue(database, queue, NewTask("a", "newest"))
    assert claim(database, queue) == []
    settle(database, queue, running)
    again = claim_one(database, queue)
    assert (again.payload, again.attempt) == ("newest", 1)
    settle(database, queue, [again])
    assert claim(database, queue) == []
    assert states(database) == {"a": "completed"}


@pytest.mark.parametrize("error", [ValueError("try again"), InvalidInputError("never")])
def test_a_rerun_begins_anew_however_the_present_run_ends(
    database: Database, queue: TaskQueue, error: Exception
) -> None:
    enqueue(database, queue, "a")
    running = claim(database, queue)
    enqueue(database, queue, "a")
    settle(database, queue, running, error)
    assert claim_one(database, queue).attempt == 1


def test_a_rerun_may_be_delayed(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    running = claim(database, queue)
    enqueue(database, queue, NewTask("a", delay=60))
    settle(database, queue, running)
    assert claim(database, queue) == []
    pass_time(database, 61)
    assert keys(claim(database, queue)) == ["a"]


def test_a_dead_task_is_revived_rather_than_doubled(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    settle(database, queue, claim(database, queue), InvalidInputError("broken"))
    with database.begin() as connection:
        assert queue.enqueue(connection, [NewTask("a", "repaired")]) == Enqueued(0, 1)
        assert queue.dead(connection) == []
    revived = claim_one(database, queue)
    assert (revived.payload, revived.attempt) == ("repaired", 1)


def test_a_completed_task_leaves_its_key_free(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    settle(database, queue, claim(database, queue))
    with database.begin() as connection:
        assert queue.enqueue(connection, [NewTask("a")]) == Enqueued(1, 0)
        assert queue.counts(connection).completed == 1


def test_a_delayed_task_waits_for_its_time(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, NewTask("later", delay=60), "now")
    assert keys(claim(database, queue)) == ["now"]
    with database.begin() as connection:
        assert 59 < (queue.next_due(connection) or 0) <= 60
    pass_time(database, 60)
    assert keys(claim(database, queue)) == ["later"]


def test_a_bulk_of_tasks_keeps_its_order(database: Database) -> None:
    queue = make_queue(batch=3_000)
    wanted = [f"{n * 7919 % 3_000}" for n in range(3_000)]
    enqueue(database, queue, *wanted)
    assert keys(claim(database, queue, limit=3_000)) == wanted
