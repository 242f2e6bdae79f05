"""What stands wrong in a queue: tasks that were given up, and tasks that do not get ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.errors import InvalidInputError, TransientError
from orchestration.observability.findings import SAMPLE
from orchestration.work_queue.health import dead_letters, stuck_tasks
from orchestration.work_queue.model import NewTask
from orchestration.work_queue.tables import task as table
from orchestration_tests.work_queue.queues import claim_one, enqueue, make_queue, pass_time, settle

if TYPE_CHECKING:
    from orchestration.observability.findings import Finding
    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue

LONG = 600.0


def stuck(database: Database, queue: TaskQueue, attempts: int | None = None) -> Finding:
    """What is stuck for longer than ten minutes."""
    with database.connect() as connection:
        return stuck_tasks(connection, queue, seconds=LONG, attempts=attempts)


def hold_for(database: Database, seconds: float) -> None:
    """Let every claim be that much older."""
    step = sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    with database.begin() as connection:
        connection.execute(sa.update(table).values(claimed_at=table.c.claimed_at - step))


def test_a_queue_that_gets_ahead_has_nothing_stuck(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "done", "given up", "in hand")
    settle(database, queue, [claim_one(database, queue)])
    settle(database, queue, [claim_one(database, queue)], InvalidInputError("broken"))
    claim_one(database, queue)
    enqueue(database, queue, "new", NewTask("later", delay=2 * LONG))
    assert stuck(database, queue).total == 0


@pytest.mark.parametrize(("seconds", "total"), [(LONG - 60, 0), (LONG + 60, 1)])
def test_a_task_that_nobody_claims_is_stuck_after_a_while(
    database: Database, queue: TaskQueue, seconds: float, total: int
) -> None:
    enqueue(database, queue, "waiting")
    pass_time(database, seconds)
    assert stuck(database, queue).total == total


@pytest.mark.parametrize(("seconds", "total"), [(LONG - 60, 0), (LONG + 60, 1)])
def test_a_task_that_a_worker_holds_for_long_is_stuck_even_while_its_lease_is_renewed(
    database: Database, queue: TaskQueue, seconds: float, total: int
) -> None:
    enqueue(database, queue, "in hand")
    claim_one(database, queue)
    hold_for(database, seconds)
    found = stuck(database, queue)
    assert found.total == total
    assert [row[:2] for row in found.examples] == [("in hand", "active")] * total


def test_a_task_on_its_last_attempt_is_stuck_and_says_why(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "tried")
    for attempt in (1, 2):
        settle(database, queue, [claim_one(database, queue)], TransientError("no answer"))
        assert stuck(database, queue).total == (1 if attempt == 2 else 0)
        pass_time(database, 61)
    ((task, state, attempts, *_, error),) = stuck(database, queue).examples
    assert (task, state, attempts, error) == ("tried", "waiting", 2, "TransientError: no answer")
    assert stuck(database, queue, attempts=3).total == 0


def test_the_longest_stuck_come_first_and_all_are_counted(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "oldest")
    pass_time(database, 60)
    enqueue(database, queue, *(f"task {number}" for number in range(SAMPLE + 5)))
    pass_time(database, LONG + 60)
    found = stuck(database, queue)
    assert found.total == SAMPLE + 6
    assert len(found.examples) == SAMPLE
    assert found.examples[0][0] == "oldest"
    assert queue.name in found.remedy


def test_another_queues_tasks_are_not_looked_at(database: Database, queue: TaskQueue) -> None:
    enqueue(database, make_queue("others"), "waiting")
    pass_time(database, 2 * LONG)
    assert stuck(database, queue).total == 0


def test_dead_letters_are_counted_with_their_errors(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, NewTask("given up", grouping="A1"))
    settle(database, queue, [claim_one(database, queue)], InvalidInputError("broken"))
    with database.connect() as connection:
        found = dead_letters(connection, queue)
    assert found.total == 1
    assert found.examples == [("given up", "A1", 1, "InvalidInputError: broken")]
    assert f"orchestration queue replay {queue.name}" in found.remedy
