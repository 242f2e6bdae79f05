"""One task, looked at, followed and cancelled by its key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestration.errors import InvalidInputError
from orchestration.work_queue import statements
from orchestration.work_queue.model import NewTask, Outcome, Task, TaskCancelledError, TaskState, TaskStatus
from orchestration_tests.work_queue.queues import (
    NOBODY,
    claim,
    claim_one,
    enqueue,
    make_queue,
    pass_time,
    reap,
    settle,
    states,
)

if TYPE_CHECKING:
    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue


def cancel(database: Database, queue: TaskQueue, key: str) -> TaskState | None:
    with database.begin() as connection:
        return queue.request_cancel(connection, key)


def look(database: Database, queue: TaskQueue, key: str) -> TaskStatus:
    with database.connect() as connection:
        found = queue.task(connection, key)
    assert found is not None
    return found


def report(database: Database, queue: TaskQueue, task: Task, percent: float | None, **words: str) -> bool:
    with database.begin() as connection:
        return queue.report_progress(connection, task, percent, **words)


def test_a_task_is_seen_by_its_key_from_beginning_to_end(database: Database, queue: TaskQueue) -> None:
    with database.connect() as connection:
        assert queue.task(connection, "a") is None
    enqueue(database, queue, NewTask("a", {"n": 1}, grouping="A1"))
    waiting = look(database, queue, "a")
    assert (waiting.state, waiting.payload, waiting.grouping, waiting.attempt) == ("waiting", {"n": 1}, "A1", 0)
    task = claim_one(database, queue)
    assert (look(database, queue, "a").state, look(database, queue, "a").attempt) == ("active", 1)
    with database.begin() as connection:
        queue.settle(connection, [Outcome(task, result=[1])])
    done = look(database, queue, "a")
    assert (done.state, done.result, done.id) == ("completed", [1], task.id)
    assert done.enqueued_at <= done.due_at <= done.claimed_at <= done.finished_at  # type: ignore[operator]  # both are set


def test_of_several_tasks_of_one_key_the_newest_is_seen(database: Database, queue: TaskQueue) -> None:
    for payload in ("first", "second"):
        enqueue(database, queue, NewTask("a", payload))
        settle(database, queue, claim(database, queue))
    assert look(database, queue, "a").payload == "second"
    enqueue(database, queue, NewTask("a", "third"))
    assert (look(database, queue, "a").payload, look(database, queue, "a").state) == ("third", "waiting")


def test_progress_never_goes_back_and_keeps_what_is_not_reported(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    task = claim_one(database, queue)
    assert report(database, queue, task, 40, step="rendering", message="4 of 10")
    assert report(database, queue, task, 30, message="3 of 10")
    found = look(database, queue, "a")
    assert (found.percent, found.step, found.message) == (40, "rendering", "3 of 10")
    assert report(database, queue, task, 250)
    assert look(database, queue, "a").percent == 100


def test_a_retry_goes_on_from_its_progress_and_new_work_begins_without(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    task = claim_one(database, queue)
    report(database, queue, task, 40)
    settle(database, queue, [task], ValueError("again"))
    pass_time(database, 61)
    task = claim_one(database, queue)
    report(database, queue, task, 10)
    assert look(database, queue, "a").percent == 40
    enqueue(database, queue, NewTask("a", "new"))
    settle(database, queue, [task])
    assert look(database, queue, "a").percent is None


def test_whoever_lost_a_task_cannot_report_its_progress(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    former = claim_one(database, queue)
    reap(database, queue)
    claim(database, queue)
    assert not report(database, queue, former, 90)
    assert look(database, queue, "a").percent is None


def test_a_waiting_task_is_cancelled_at_once_and_leaves_its_key_free(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a", NewTask("later", delay=60), "b")
    assert cancel(database, queue, "a") is TaskState.CANCELLED
    assert cancel(database, queue, "later") is TaskState.CANCELLED
    assert states(database) == {"a": "cancelled", "later": "cancelled", "b": "waiting"}
    with database.begin() as connection:
        assert queue.counts(connection).cancelled == 2
    enqueue(database, queue, "a")
    assert states(database)["a"] == "waiting"


@pytest.mark.parametrize("key", ["unknown", "done", "dead"])
def test_what_is_over_or_unknown_cannot_be_cancelled(database: Database, queue: TaskQueue, key: str) -> None:
    enqueue(database, queue, "done", "dead")
    done, dead = claim(database, queue)
    settle(database, queue, [done])
    settle(database, queue, [dead], InvalidInputError("broken"))
    assert cancel(database, queue, key) is None
    assert states(database) == {"done": "completed", "dead": "dead"}


def test_an_active_task_is_marked_and_its_worker_ends_it(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a", "b")
    first, second = claim(database, queue, worker=1)
    assert cancel(database, queue, "a") is TaskState.ACTIVE
    assert look(database, queue, "a").is_cancel_requested
    with database.begin() as connection:
        assert queue.cancel_requested(connection, 1) == {first.id}
        assert queue.cancel_requested(connection, 2) == set()
        error = TaskCancelledError("asked for")
        (settled, _) = queue.settle(connection, [Outcome(first, error), Outcome(second)])
    assert settled.state is TaskState.CANCELLED
    found = look(database, queue, "a")
    assert (found.state, found.error, found.is_cancel_requested) == (
        "cancelled",
        "TaskCancelledError: asked for",
        False,
    )
    assert found.first_error is None
    assert claim(database, queue) == []


def test_only_its_worker_is_notified_of_a_cancellation(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    claim(database, queue, worker=7)
    with database.connect() as listener:
        listener.execute(statements.LISTEN)
        driver: Any = listener.connection.driver_connection
        cancel(database, queue, "a")
        assert [notice.payload for notice in driver.notifies(timeout=5, stop_after=1)] == [queue.cancel_notice(7)]
    assert queue.cancel_notice(7) not in (queue.name, queue.cancel_notice(70), make_queue("images/2").cancel_notice(7))


def test_a_task_that_was_faster_than_its_cancellation_is_complete(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    task = claim_one(database, queue)
    cancel(database, queue, "a")
    settle(database, queue, [task])
    assert states(database) == {"a": "completed"}


def test_a_task_to_be_cancelled_is_not_tried_again_however_it_ends(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "failed", "lost", "given back")
    failed, _, given_back = claim(database, queue)
    for key in ("failed", "lost", "given back"):
        cancel(database, queue, key)
    settle(database, queue, [failed], ValueError("again"))
    with database.begin() as connection:
        assert queue.release(connection, NOBODY, [given_back]) == {given_back.id}
    assert reap(database, queue) == ["lost"]
    assert set(states(database).values()) == {"cancelled"}


def test_work_that_is_enqueued_after_the_cancellation_runs(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, NewTask("a", "old"))
    task = claim_one(database, queue)
    enqueue(database, queue, NewTask("a", "withdrawn"))
    cancel(database, queue, "a")
    enqueue(database, queue, NewTask("a", "new"))
    settle(database, queue, [task], TaskCancelledError("asked for"))
    assert claim_one(database, queue).payload == "new"
