"""How tasks end, and that only their latest owner may say so."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.errors import InvalidInputError, TransientError
from orchestration.work_queue.encoding import LONGEST_ERROR
from orchestration.work_queue.model import NewTask, Outcome, Settled, StaleClaimError, Task, TaskState
from orchestration_tests.work_queue.queues import (
    claim,
    claim_one,
    enqueue,
    keys,
    make_queue,
    pass_time,
    reap,
    rows,
    settle,
    states,
)

if TYPE_CHECKING:
    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue


def test_outcomes_of_one_batch_go_their_own_ways(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "good", "flaky", "broken")
    good, flaky, broken = claim(database, queue)
    error, fault = ValueError("timeout"), InvalidInputError("HTML instead of JSON")
    with database.begin() as connection:
        settled = queue.settle(connection, [Outcome(good), Outcome(flaky, error), Outcome(broken, fault)])
    assert settled == [
        Settled(good, TaskState.COMPLETED),
        Settled(flaky, TaskState.WAITING, error),
        Settled(broken, TaskState.DEAD, fault),
    ]
    assert states(database) == {"good": "completed", "flaky": "waiting", "broken": "dead"}
    with database.begin() as connection:
        (letter,) = queue.dead(connection)
    assert (letter.key, letter.attempt, letter.reason) == ("broken", 1, "permanent error")
    assert letter.error == "InvalidInputError: HTML instead of JSON"


def test_a_failed_task_waits_as_the_policy_says_and_dies_after_its_last_attempt(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, "a")
    for attempt in (1, 2):
        settle(database, queue, [claim_one(database, queue)], ValueError("no luck"))
        assert claim(database, queue) == [], f"attempt {attempt} is followed by a wait"
        pass_time(database, 60)
    settle(database, queue, [claim_one(database, queue)], ValueError("no luck"))
    assert (rows(database)["a"].state, rows(database)["a"].reason) == ("dead", "attempts used up")


def test_a_retry_waits_as_long_as_the_other_side_asks(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    settle(database, queue, claim(database, queue), TransientError("busy", retry_after=600))
    with database.begin() as connection:
        assert 590 < (queue.next_due(connection) or 0) <= 600


def test_a_wait_in_whole_seconds_is_settled_beside_others(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "asked", "good")
    asked, good = claim(database, queue)
    with database.begin() as connection:
        queue.settle(connection, [Outcome(asked, TransientError("busy", retry_after=600)), Outcome(good)])
    assert states(database) == {"asked": "waiting", "good": "completed"}


def test_an_error_is_kept_as_far_as_the_database_can_store_it(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    settle(database, queue, claim(database, queue), InvalidInputError("nul \0, surrogate \ud800, " + "long " * 1_000))
    with database.begin() as connection:
        (letter,) = queue.dead(connection)
    assert letter.error is not None
    assert letter.error.startswith("InvalidInputError: nul \\x00, surrogate \\ud800, long ")
    assert len(letter.error) == LONGEST_ERROR


def test_settling_nothing_is_nothing(database: Database, queue: TaskQueue) -> None:
    with database.begin() as connection:
        assert queue.settle(connection, []) == []


def stale(database: Database, queue: TaskQueue) -> tuple[Task, Task]:
    """A claim that was taken back, and the one that another worker has now."""
    enqueue(database, queue, "a")
    former = claim_one(database, queue, worker=1)
    reap(database, queue)
    return former, claim_one(database, queue, worker=2)


def test_a_stale_owner_is_refused_and_what_it_wrote_is_rolled_back(database: Database, queue: TaskQueue) -> None:
    former, present = stale(database, queue)
    with database.begin() as connection:
        connection.execute(sa.text("CREATE TABLE effect (worker int)"))
    with pytest.raises(StaleClaimError, match=r"1 claimed tasks were taken back.*: a") as caught:
        write_and_settle(database, queue, former, worker=1)
    assert caught.value.tasks == (former,)
    write_and_settle(database, queue, present, worker=2)
    with database.begin() as connection:
        assert connection.execute(sa.text("SELECT worker FROM effect")).scalars().all() == [2]


def write_and_settle(database: Database, queue: TaskQueue, task: Task, worker: int) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("INSERT INTO effect VALUES (:worker)"), {"worker": worker})
        queue.settle(connection, [Outcome(task)])


def test_one_stale_task_refuses_the_whole_batch(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a", "b")
    tasks = claim(database, queue, worker=1)
    with database.begin() as connection:
        queue.release(connection, 1, tasks[:1])
    with pytest.raises(StaleClaimError):
        settle(database, queue, tasks)
    assert states(database) == {"a": "waiting", "b": "active"}


def test_settling_only_what_is_held_passes_over_the_rest(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a", "b")
    tasks = claim(database, queue, worker=1)
    with database.begin() as connection:
        queue.release(connection, 1, tasks[:1])
        settled = queue.settle_held(connection, [Outcome(task) for task in tasks])
    assert [one.task.key for one in settled] == ["b"]


def test_a_task_cannot_be_settled_twice(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    task = claim_one(database, queue)
    settle(database, queue, [task])
    with pytest.raises(StaleClaimError):
        settle(database, queue, [task], ValueError("too late"))
    assert states(database) == {"a": "completed"}


def test_a_claim_from_before_a_rerun_is_stale_though_its_attempt_has_the_same_number(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, "a")
    former = claim_one(database, queue, worker=1)
    enqueue(database, queue, "a")
    reap(database, queue)
    present = claim_one(database, queue, worker=1)
    assert former.attempt == present.attempt == 1
    with pytest.raises(StaleClaimError):
        settle(database, queue, [former])
    settle(database, queue, [present])


def test_bulk_enqueueing_and_settling_the_same_tasks_do_not_deadlock(database: Database) -> None:
    queue = make_queue(batch=1_000)
    new = [NewTask(str(n)) for n in range(1_000)]

    def enqueue_again() -> None:
        for _ in range(5):
            enqueue(database, queue, *new)

    enqueue(database, queue, *new)
    with ThreadPoolExecutor(1) as pool:
        enqueueing = pool.submit(enqueue_again)
        for _ in range(5):
            settle(database, queue, list(reversed(claim(database, queue, limit=1_000))))
        enqueueing.result()
    while tasks := claim(database, queue, limit=1_000):
        settle(database, queue, tasks)
    assert keys(claim(database, queue)) == []
    assert set(states(database).values()) == {"completed"}


@pytest.mark.parametrize("is_settled", [False, True])
def test_a_claim_that_a_crash_undid_is_forgotten_also_when_another_worker_has_made_and_settled_it(
    database: Database, queue: TaskQueue, is_settled: bool
) -> None:
    enqueue(database, queue, "a")
    undone = claim_one(database, queue)
    with database.begin() as connection:  # as the server finds it after a crash, if the claim was not on disk
        connection.execute(
            sa.text("""UPDATE task SET state = 'waiting', attempt = 0, token = 0, claimed_at = NULL, worker = NULL,
                lease_until = NULL""")
        )
    again = claim_one(database, queue)
    assert (again.id, again.token) == (undone.id, undone.token)
    if is_settled:
        settle(database, queue, [again])
    with database.begin() as connection:
        assert queue.held(connection, [undone]) == ([], [undone])
        assert queue.held(connection, [again]) == ([] if is_settled else [again], [])
