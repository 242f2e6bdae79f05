"""Who gets which task, and when: priority, ageing, order, isolation, and exclusive claims."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.errors import PermanentError, TransientError
from orchestration.work_queue.model import NewTask, Outcome, Priority
from orchestration.work_queue.policy import AGEING
from orchestration_tests.work_queue.queues import (
    NOBODY,
    claim,
    claim_one,
    enqueue,
    keys,
    make_queue,
    pass_time,
    reap,
    rows,
    settle,
)

if TYPE_CHECKING:
    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue


def test_the_higher_priority_goes_first_and_equals_go_in_order(database: Database, queue: TaskQueue) -> None:
    enqueue(
        database,
        queue,
        NewTask("low", priority=Priority.LOW),
        NewTask("normal 1"),
        NewTask("high", priority=Priority.HIGH),
        NewTask("normal 2"),
    )
    assert keys(claim(database, queue)) == ["high", "normal 1", "normal 2", "low"]


def test_a_low_task_that_waited_long_enough_goes_before_a_high_one(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, NewTask("low", priority=Priority.LOW))
    pass_time(database, 2 * AGEING.total_seconds() - 1)
    enqueue(database, queue, NewTask("high", priority=Priority.HIGH))
    assert claim_one(database, queue).key == "high"
    pass_time(database, 2)
    enqueue(database, queue, NewTask("higher", priority=Priority.HIGH))
    assert claim_one(database, queue).key == "low"


def test_a_claim_takes_no_more_than_it_asks_for(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, *"abcde")
    assert keys(claim(database, queue, limit=2)) == ["a", "b"]
    assert keys(claim(database, queue, limit=2)) == ["c", "d"]


def test_without_a_limit_a_claim_takes_a_batch(database: Database) -> None:
    queue = make_queue(batch=3)
    enqueue(database, queue, *"abcde")
    with database.begin() as connection:
        assert keys(queue.claim(connection, NOBODY)) == ["a", "b", "c"]


def test_each_claim_counts_an_attempt_and_raises_the_token(database: Database) -> None:
    queue = make_queue(wait=0)
    enqueue(database, queue, "a")
    first = claim_one(database, queue)
    settle(database, queue, [first], ValueError("once"))
    second = claim_one(database, queue)
    assert (first.attempt, second.attempt) == (1, 2)
    assert second.token > first.token


def test_eight_threads_share_five_thousand_tasks_and_get_each_once(database: Database) -> None:
    queue = make_queue(batch=50)
    enqueue(database, queue, *(str(n) for n in range(5_000)))

    def work(worker: int) -> list[str]:
        mine: list[str] = []
        while tasks := claim(database, queue, worker, limit=50):
            settle(database, queue, tasks)
            mine += keys(tasks)
        return mine

    with ThreadPoolExecutor(8) as pool:
        claimed = Counter(key for mine in pool.map(work, range(8)) for key in mine)
    assert claimed == Counter(str(n) for n in range(5_000))


def test_tasks_of_one_order_key_run_one_at_a_time_in_order(database: Database, queue: TaskQueue) -> None:
    enqueue(
        database,
        queue,
        NewTask("a1", order_key="a", priority=Priority.LOW),
        NewTask("a2", order_key="a", priority=Priority.HIGH),
        NewTask("b1", order_key="b"),
        NewTask("free"),
    )
    first = claim(database, queue)
    assert keys(first) == ["b1", "free", "a1"]
    assert claim(database, queue) == []
    settle(database, queue, first)
    assert keys(claim(database, queue)) == ["a2"]


def test_a_task_in_order_waits_until_its_predecessor_needs_no_retry(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, NewTask("a1", order_key="a"), NewTask("a2", order_key="a"))
    settle(database, queue, [claim_one(database, queue)], ValueError("later"))
    assert claim(database, queue) == []
    pass_time(database, 60)
    settle(database, queue, [claim_one(database, queue)])
    assert keys(claim(database, queue)) == ["a2"]


def test_a_replayed_predecessor_waits_for_the_successor_that_is_running(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, NewTask("a1", order_key="a"), NewTask("a2", order_key="a"))
    settle(database, queue, [claim_one(database, queue)], PermanentError("broken"))
    successor = claim(database, queue)
    with database.begin() as connection:
        queue.replay(connection)
    assert claim(database, queue) == []
    settle(database, queue, successor)
    assert keys(claim(database, queue)) == ["a1"]


def test_threads_never_run_two_tasks_of_one_order_key_together(database: Database) -> None:
    """The tables themselves refuse it, so a lost race shows as an error that passes, not as disorder."""
    queue = make_queue()
    enqueue(database, queue, *(NewTask(str(n), order_key=f"order {n % 5}") for n in range(100)))
    done: list[str] = []

    def work(worker: int) -> None:
        while len(done) < 100:
            try:
                tasks = claim(database, queue, worker, limit=3)
            except TransientError:
                continue
            done.extend(keys(tasks))
            settle(database, queue, tasks)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    for order in range(5):
        mine = [int(key) for key in done if int(key) % 5 == order]
        assert mine == sorted(mine)


def test_two_claims_that_meet_on_one_order_key_are_told_to_try_again(database: Database, queue: TaskQueue) -> None:
    """A dead predecessor that is replayed while its successor is being claimed is the one way to get there."""
    enqueue(database, queue, NewTask("a1", order_key="a"), NewTask("a2", order_key="a"))
    settle(database, queue, [claim_one(database, queue)], PermanentError("broken"))
    with ThreadPoolExecutor(1) as pool, database.begin() as first:
        assert keys(queue.claim(first, 1)) == ["a2"]
        with database.begin() as connection:
            queue.replay(connection)
        second = pool.submit(claim, database, queue, 2)
        wait_until_blocked(database)
        first.commit()
        with pytest.raises(TransientError, match="order key"):
            second.result()


def wait_until_blocked(database: Database) -> None:
    query = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with database.connect() as connection:
        while connection.execute(query).scalar_one() == 0:
            pass


def suspects(database: Database, queue: TaskQueue, *wanted: str) -> None:
    """Enqueue tasks, and let them lose their worker once."""
    enqueue(database, queue, *wanted)
    claim(database, queue)
    assert sorted(reap(database, queue)) == sorted(wanted)


def test_a_task_that_lost_its_worker_is_claimed_alone(database: Database, queue: TaskQueue) -> None:
    suspects(database, queue, "a", "b")
    enqueue(database, queue, "c")
    assert keys(claim(database, queue, worker=1)) == ["a"]
    assert keys(claim(database, queue, worker=2)) == ["b"]
    assert keys(claim(database, queue, worker=3)) == ["c"]


def test_a_worker_with_a_suspect_gets_nothing_else(database: Database, queue: TaskQueue) -> None:
    suspects(database, queue, "a")
    enqueue(database, queue, "b")
    suspect = claim(database, queue, worker=1)
    assert claim(database, queue, worker=1) == []
    settle(database, queue, suspect)
    assert keys(claim(database, queue, worker=1)) == ["b"]


def test_a_worker_with_a_batch_gets_no_suspect_and_does_not_pass_it_over_either(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, "batch")
    batch = claim(database, queue, worker=1)
    with database.begin() as connection:
        connection.execute(sa.text("INSERT INTO task (queue, key, crashes) VALUES ('images', 'suspect', 1)"))
    enqueue(database, queue, "innocent")
    assert claim(database, queue, worker=1) == []
    settle(database, queue, batch)
    assert keys(claim(database, queue, worker=1)) == ["suspect"]


def test_innocents_before_a_suspect_go_together(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a", "b")
    with database.begin() as connection:
        connection.execute(sa.text("INSERT INTO task (queue, key, crashes) VALUES ('images', 'suspect', 1)"))
    assert keys(claim(database, queue, worker=1)) == ["a", "b"]


def test_success_clears_the_suspicion(database: Database, queue: TaskQueue) -> None:
    suspects(database, queue, "a")
    running = claim(database, queue)
    enqueue(database, queue, "a", "b")
    settle(database, queue, running)
    assert sorted(keys(claim(database, queue))) == ["a", "b"]


def test_a_released_task_keeps_its_place_and_its_attempts(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    enqueue(database, queue, "b")
    tasks = claim(database, queue, worker=1)
    with database.begin() as connection:
        assert queue.release(connection, 1, tasks[:1]) == {tasks[0].id}
        assert queue.release(connection, 2, tasks) == set()
    again = claim_one(database, queue)
    assert (again.key, again.attempt) == ("a", 1)
    assert again.token > tasks[0].token


def test_a_worker_gives_back_all_that_it_holds_but_what_it_names(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, *"abc")
    kept, *_ = claim(database, queue, worker=1)
    with database.begin() as connection:
        queue.release_all(connection, 1, but=[kept])
    assert {key: row.attempt for key, row in rows(database).items()} == {"a": 1, "b": 0, "c": 0}
    with database.begin() as connection:
        assert queue.release_all(connection, 1) == {kept.id}


def test_a_task_enqueued_again_while_active_is_waiting_after_its_release(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    tasks = claim(database, queue, worker=1)
    enqueue(database, queue, NewTask("a", "new"))
    with database.begin() as connection:
        queue.release(connection, 1, tasks)
    again = claim_one(database, queue)
    assert (again.payload, again.attempt) == ("new", 1)
    with database.begin() as connection:
        queue.settle(connection, [Outcome(again)])
        assert queue.counts(connection).waiting == 0
