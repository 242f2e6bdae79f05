"""What the log says of a drain: that it began, goes on and ended, and how each task ended, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from structlog.testing import capture_logs

from orchestration.errors import InvalidInputError
from orchestration.work_queue import drain as draining
from orchestration.work_queue.drain import drain_queue
from orchestration.work_queue.model import NewTask, Outcome, TaskCancelledError
from orchestration.work_queue.options import DrainOptions
from orchestration_tests.work_queue.queues import Handling, completing, enqueue, make_queue

if TYPE_CHECKING:
    import pytest

    from orchestration.storage.database import Database
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Settled

ERRORS = {"refused": InvalidInputError("no price"), "away": OSError("reset"), "withdrawn": TaskCancelledError("asked")}


async def settle_by_name(claim: Claim[Settled]) -> None:
    with claim.transaction() as connection:
        claim.settle(connection, [Outcome(task, ERRORS.get(task.key)) for task in claim.tasks])


async def test_each_task_that_failed_is_a_line_with_its_key_its_group_and_its_error(database: Database) -> None:
    queue = make_queue(wait=3_600)
    enqueue(database, queue, "fine", *(NewTask(key, grouping="A360") for key in ERRORS))
    with capture_logs() as lines:
        await drain_queue(database, queue, Handling(settle_by_name), lambda _: None, DrainOptions(idle_seconds=0))
    reported = {line["key"]: (line["event"], line["group"], line["attempt"]) for line in lines if "key" in line}
    assert reported["refused"] == ("task dead", "A360", 1)
    assert reported["away"] == ("task retried", "A360", 1)
    assert reported["withdrawn"] == ("task cancelled", "A360", 1)
    assert [line["error"] for line in lines if line.get("key") == "refused"] == ["InvalidInputError: no price"]


async def test_a_drain_says_that_it_began_that_it_goes_on_and_how_it_ended(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "LOG_SECONDS", 0.05)
    queue = make_queue()
    enqueue(database, queue, "a", "b")
    options = DrainOptions(idle_seconds=0.3, run="run-1")
    with capture_logs() as lines:
        await drain_queue(database, queue, Handling(completing()), lambda _: None, options)
    events = [line["event"] for line in lines]
    assert (events[0], events[-1]) == ("drain started", "drain ended")
    assert "drain goes on" in events
    assert (lines[0]["queue"], lines[0]["run"]) == (queue.name, "run-1")
    assert (lines[-1]["completed"], lines[-1]["reason"]) == (2, "idle")
