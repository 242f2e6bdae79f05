"""How fast a waiting task overtakes the next level is each queue's own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from orchestration.errors import ConfigurationError
from orchestration.work_queue.model import NewTask, Priority
from orchestration.work_queue.policy import QueuePolicy, RetryPolicy
from orchestration.work_queue.queue import TaskQueue
from orchestration_tests.work_queue.queues import claim, enqueue, keys, pass_time

if TYPE_CHECKING:
    from orchestration.storage.database import Database


def ageing(seconds: float) -> TaskQueue:
    return TaskQueue(QueuePolicy("images", RetryPolicy(1), ageing=timedelta(seconds=seconds)))


@pytest.mark.parametrize(("seconds", "first"), [(20, "old and low"), (3_600, "new and high")])
def test_an_old_task_goes_first_when_it_waited_for_two_levels(database: Database, seconds: float, first: str) -> None:
    queue = ageing(seconds)
    enqueue(database, queue, NewTask("old and low", priority=Priority.LOW))
    pass_time(database, 60)
    enqueue(database, queue, NewTask("new and high", priority=Priority.HIGH))
    assert keys(claim(database, queue, limit=1)) == [first]


def test_a_task_of_long_ageing_is_claimed_at_once_when_nothing_goes_before_it(database: Database) -> None:
    queue = ageing(86_400)
    enqueue(database, queue, NewTask("low", priority=Priority.LOW))
    assert keys(claim(database, queue)) == ["low"]


def test_a_queue_that_is_given_another_ageing_gives_it_to_what_waits(database: Database) -> None:
    enqueue(database, ageing(86_400), NewTask("old and low", priority=Priority.LOW))
    pass_time(database, 60)
    queue = ageing(20)
    with database.begin() as connection:
        queue.prune(connection)
    enqueue(database, queue, NewTask("new and high", priority=Priority.HIGH))
    assert keys(claim(database, queue)) == ["old and low", "new and high"]


def test_ageing_of_less_than_a_second_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="ageing of images"):
        ageing(0.5)
