"""What is remembered of a task that died: its first failure, how often it was replayed, and each death."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from orchestration.errors import ConfigurationError, InvalidInputError
from orchestration.work_queue.health import dead_letters
from orchestration.work_queue.queue import TaskQueue
from orchestration_tests.work_queue.queues import claim_one, enqueue, make_queue, pass_time, reap, settle, states

if TYPE_CHECKING:
    from orchestration.storage.database import Database
    from orchestration.work_queue.model import TaskStatus

MOST_REMEMBERED = 20


def die(database: Database, queue: TaskQueue, error: str) -> None:
    settle(database, queue, [claim_one(database, queue)], InvalidInputError(error))


def replay(database: Database, queue: TaskQueue) -> None:
    with database.begin() as connection:
        assert queue.replay(connection) == 1


def look(database: Database, queue: TaskQueue) -> TaskStatus:
    with database.connect() as connection:
        found = queue.task(connection, "a")
    assert found is not None
    return found


def test_the_first_failure_is_kept_through_retries_and_replays(database: Database) -> None:
    queue = make_queue(attempts=2)
    enqueue(database, queue, "a")
    settle(database, queue, [claim_one(database, queue)], ValueError("the first"))
    failed_at = look(database, queue).first_failed_at
    pass_time(database, 61)
    die(database, queue, "the second")
    replay(database, queue)
    die(database, queue, "the third")
    with database.connect() as connection:
        (letter,) = queue.dead(connection)
    assert (letter.first_error, letter.error) == ("ValueError: the first", "InvalidInputError: the third")
    assert (letter.first_failed_at, letter.replays) == (failed_at, 1)


def test_each_death_before_a_replay_is_in_the_history(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    for error in ("one", "two"):
        die(database, queue, error)
        replay(database, queue)
    settle(database, queue, [claim_one(database, queue)])
    found = look(database, queue)
    assert (found.state, found.replays) == ("completed", 2)
    assert [(death["attempts"], death["reason"], death["error"]) for death in found.history] == [
        (1, "permanent error", "InvalidInputError: one"),
        (1, "permanent error", "InvalidInputError: two"),
    ]
    assert all(death["dead_at"] for death in found.history)


def test_a_dead_task_that_is_enqueued_again_keeps_its_history_too(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    die(database, queue, "one")
    enqueue(database, queue, "a")
    found = look(database, queue)
    assert (found.state, found.replays, found.first_error) == ("waiting", 0, "InvalidInputError: one")
    assert [death["error"] for death in found.history] == ["InvalidInputError: one"]


def test_the_history_does_not_grow_for_ever(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    for number in range(MOST_REMEMBERED + 2):
        die(database, queue, str(number))
        replay(database, queue)
    found = look(database, queue)
    assert found.replays == MOST_REMEMBERED + 2
    assert [death["error"].split()[-1] for death in found.history] == [str(n) for n in range(2, MOST_REMEMBERED + 2)]
    assert found.first_error == "InvalidInputError: 0"


def test_a_task_that_died_with_its_workers_says_so(database: Database) -> None:
    queue = make_queue(attempts=1)
    enqueue(database, queue, "a")
    for _ in range(2):
        claim_one(database, queue)
        reap(database, queue)
    with database.connect() as connection:
        (letter,) = queue.dead(connection)
    assert letter.reason == "worker died"
    assert (
        letter.error
        == letter.first_error
        == ("WorkerDiedError: A worker of the queue 'images' died, or its lease ran out")
    )


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_queue_that_is_not_replayed_by_itself_names_the_right_command(
    database: Database, queue: TaskQueue, dry_run: bool
) -> None:
    queue = TaskQueue(replace(queue.policy, replay_with="orchestration prints retry"))
    enqueue(database, queue, "a")
    die(database, queue, "broken")
    with pytest.raises(ConfigurationError, match="run `orchestration prints retry`"), database.begin() as connection:
        queue.replay(connection, ["a"], dry_run=dry_run)
    assert states(database) == {"a": "dead"}
    with database.connect() as connection:
        assert "`orchestration prints retry` lets" in dead_letters(connection, queue).remedy
