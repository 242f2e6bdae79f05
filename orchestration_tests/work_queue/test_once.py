"""Enqueueing once: what is there is given back as it is, in whatever state; another payload is a conflict."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from orchestration.errors import ConflictError, InvalidInputError, QueueFullError, TooLargeError
from orchestration.work_queue.encoding import LARGEST_RESULT
from orchestration.work_queue.model import EnqueuedOnce, NewTask, Outcome, TaskState
from orchestration.work_queue.policy import QueuePolicy, RetryPolicy
from orchestration.work_queue.queue import TaskQueue
from orchestration_tests.work_queue.queues import claim, claim_one, enqueue, make_queue, settle, states

if TYPE_CHECKING:
    from orchestration.storage.database import Database

CALLERS = 50


def once(database: Database, queue: TaskQueue, task: NewTask) -> EnqueuedOnce:
    with database.begin() as connection:
        return queue.enqueue_once(connection, task)


def complete(database: Database, queue: TaskQueue, result: object) -> None:
    task = claim_one(database, queue)
    with database.begin() as connection:
        queue.settle(connection, [Outcome(task, result=result)])


def test_a_new_key_is_enqueued_and_the_same_payload_again_is_not(database: Database, queue: TaskQueue) -> None:
    first = once(database, queue, NewTask("a", {"sku": "Y3D", "n": 1}, grouping="A1"))
    again = once(database, queue, NewTask("a", {"n": 1.0, "sku": "Y3D"}))
    assert (first.is_new, again.is_new) == (True, False)
    assert again.task == first.task
    assert (first.task.state, first.task.payload, first.task.grouping) == (
        TaskState.WAITING,
        {"sku": "Y3D", "n": 1},
        "A1",
    )
    assert len(claim(database, queue)) == 1


def test_another_payload_is_a_conflict_that_names_the_key_and_what_differs(
    database: Database, queue: TaskQueue
) -> None:
    once(database, queue, NewTask("a", {"sku": "Y3D", "size": 1, "kept": None, "same": [1]}))
    message = "queue images holds another task under the key a; they differ in kept, new, size$"
    with pytest.raises(ConflictError, match=message):
        once(database, queue, NewTask("a", {"sku": "Y3D", "size": 2, "new": True, "same": [1]}))
    assert claim_one(database, queue).payload == {"sku": "Y3D", "size": 1, "kept": None, "same": [1]}


@pytest.mark.parametrize(("present", "wanted"), [([1, 2], [2, 1]), ({"a": 1}, [1]), (None, 0)])
def test_payloads_that_are_no_objects_differ_as_a_whole(
    database: Database, queue: TaskQueue, present: object, wanted: object
) -> None:
    once(database, queue, NewTask("a", present))
    with pytest.raises(ConflictError, match="they differ in its payload"):
        once(database, queue, NewTask("a", wanted))


def test_a_completed_task_is_given_back_with_its_result_and_does_not_run_again(
    database: Database, queue: TaskQueue
) -> None:
    once(database, queue, NewTask("a", {"n": 1}))
    complete(database, queue, {"pixels": [640, 480], "name": "Ärmel"})
    found = once(database, queue, NewTask("a", {"n": 1}))
    assert (found.is_new, found.task.state, found.task.result) == (
        False,
        TaskState.COMPLETED,
        {"pixels": [640, 480], "name": "Ärmel"},
    )
    assert claim(database, queue) == []
    with pytest.raises(ConflictError, match="differ in n"):
        once(database, queue, NewTask("a", {"n": 2}))


def test_a_completed_task_that_was_pruned_leaves_its_key_free(database: Database) -> None:
    queue = make_queue(keep=0)
    once(database, queue, NewTask("a"))
    complete(database, queue, None)
    with database.begin() as connection:
        assert queue.prune(connection) == 1
    assert once(database, queue, NewTask("a")).is_new


def test_neither_a_dead_nor_a_cancelled_task_is_revived(database: Database, queue: TaskQueue) -> None:
    once(database, queue, NewTask("dead"))
    settle(database, queue, [claim_one(database, queue)], InvalidInputError("broken"))
    once(database, queue, NewTask("cancelled"))
    with database.begin() as connection:
        queue.request_cancel(connection, "cancelled")
    found = {key: once(database, queue, NewTask(key)) for key in ("dead", "cancelled")}
    assert {key: (one.is_new, one.task.state) for key, one in found.items()} == {
        "dead": (False, "dead"),
        "cancelled": (False, "cancelled"),
    }
    assert found["dead"].task.error == "InvalidInputError: broken"
    assert claim(database, queue) == []


def test_an_active_task_does_not_run_once_more(database: Database, queue: TaskQueue) -> None:
    once(database, queue, NewTask("a"))
    task = claim_one(database, queue)
    assert once(database, queue, NewTask("a")).task.state is TaskState.ACTIVE
    settle(database, queue, [task])
    assert states(database) == {"a": "completed"}


def test_of_many_callers_at_once_one_enqueues_and_the_others_find_its_task(
    database: Database, queue: TaskQueue
) -> None:
    """A worker completes the task as soon as it is there, so that callers also meet it active and completed."""

    def call(_: int) -> EnqueuedOnce:
        return once(database, queue, NewTask("a", {"n": 1}))

    with ThreadPoolExecutor(CALLERS) as pool:
        calls = [pool.submit(call, number) for number in range(CALLERS)]
        done = 0
        while not all(one.done() for one in calls):
            tasks = claim(database, queue)
            settle(database, queue, tasks)
            done += len(tasks)
        found = [one.result() for one in calls]
    done += len(claim(database, queue))
    assert [one.is_new for one in found].count(True) == 1
    assert len({one.task.id for one in found}) == 1
    assert done == 1


def test_a_task_enqueued_once_finds_no_room_in_a_full_queue(database: Database) -> None:
    queue = TaskQueue(QueuePolicy("previews", RetryPolicy(1), most_waiting=1))
    assert once(database, queue, NewTask("a")).is_new
    with pytest.raises(QueueFullError):
        once(database, queue, NewTask("b"))
    assert not once(database, queue, NewTask("a")).is_new, "it is there, and takes no room"


@pytest.mark.parametrize(
    ("result", "error", "message"),
    [
        ("x" * LARGEST_RESULT, TooLargeError, "result of the task a has 65538 bytes"),
        ({"text": "a\0b"}, InvalidInputError, "result of the task a holds a NUL"),
    ],
)
def test_a_result_that_cannot_be_kept_is_refused_by_name(
    database: Database, queue: TaskQueue, result: object, error: type[Exception], message: str
) -> None:
    enqueue(database, queue, "a")
    with pytest.raises(error, match=message):
        complete(database, queue, result)
    assert states(database) == {"a": "active"}
