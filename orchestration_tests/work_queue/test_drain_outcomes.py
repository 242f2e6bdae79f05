"""What a drain makes of a handler's errors and of the database's, and what it reports."""

from __future__ import annotations

import asyncio
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.errors import DatabaseAwayError, InvalidInputError, TransientError
from orchestration.storage.database import Database
from orchestration.work_queue import claim_runner
from orchestration.work_queue.model import (
    Outcome,
    Settled,
    Task,
    TaskState,
    UnsettledTaskError,
    WorkerDiedError,
)
from orchestration.work_queue.options import DrainResult, StopReason
from orchestration.work_queue.worker import Worker
from orchestration_tests.work_queue.queues import (
    claim,
    completing,
    drain,
    enqueue,
    make_queue,
    rows,
    settle,
    settle_all,
    states,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pytest

    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Settled
    from orchestration.work_queue.queue import TaskQueue


async def test_an_error_of_a_handler_is_the_outcome_of_its_tasks_and_the_drain_goes_on(database: Database) -> None:
    queue = make_queue(batch=1)
    enqueue(database, queue, "good", "flaky", "broken", "fine")

    async def handle(claim: Claim[Settled]) -> None:
        match claim.tasks[0].key:
            case "flaky":
                raise ValueError("no route")
            case "broken":
                raise InvalidInputError("no image")
            case _:
                await completing()(claim)

    with Worker(database, queue) as worker:
        assert await drain(worker, handle, idle_seconds=0) == DrainResult(2, 1, 1, StopReason.IDLE)
    assert states(database) == {"good": "completed", "flaky": "waiting", "broken": "dead", "fine": "completed"}
    assert re.fullmatch(
        r"UnexpectedError: ValueError in test_drain_outcomes\.py:\d+ \(handle\): no route",
        rows(database)["flaky"].error,
    )


async def test_a_transient_error_that_is_not_the_databases_counts_as_an_attempt(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, "a")

    async def handle(claim: Claim[Settled]) -> None:
        raise TransientError(f"the supplier of {claim.tasks[0].key} is busy", retry_after=600)

    with Worker(database, queue) as worker:
        assert (await drain(worker, handle, idle_seconds=0)).retried == 1
    assert rows(database)["a"].attempt == 1


async def test_a_handler_that_is_cancelled_from_within_has_failed_and_the_drain_goes_on(database: Database) -> None:
    queue = make_queue(batch=1)
    enqueue(database, queue, "cancelled", "fine")

    async def handle(claim: Claim[Settled]) -> None:
        if claim.tasks[0].key == "cancelled":
            raise asyncio.CancelledError
        await completing()(claim)

    with Worker(database, queue) as worker:
        assert await drain(worker, handle, idle_seconds=0) == DrainResult(1, 1, 0, StopReason.IDLE)


async def test_a_task_that_the_handler_leaves_unsettled_has_failed(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "settled", "forgotten")

    async def handle(claim: Claim[Settled]) -> None:
        with claim.transaction() as connection:
            claim.settle(connection, [Outcome(task) for task in claim.tasks if task.key == "settled"])

    reported: list[Settled] = []
    with Worker(database, queue) as worker:
        await drain(worker, handle, idle_seconds=0, on_batch=reported.extend)
    assert [(one.task.key, one.state, type(one.error)) for one in reported] == [
        ("settled", TaskState.COMPLETED, type(None)),
        ("forgotten", TaskState.WAITING, UnsettledTaskError),
    ]


async def test_what_was_committed_before_an_error_stays_and_what_was_rolled_back_has_failed(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, "committed", "rolled back", "untouched")

    async def handle(claim: Claim[Settled]) -> None:
        for task in claim.tasks:
            with claim.transaction() as connection:
                claim.settle(connection, [Outcome(task)])
                if task.key != "committed":
                    raise ValueError("broken row")

    reported: list[Settled] = []
    with Worker(database, queue) as worker:
        drained = await drain(worker, handle, idle_seconds=0, on_batch=reported.extend)
    assert drained == DrainResult(completed=1, retried=2, dead=0, reason=StopReason.IDLE)
    assert {one.task.key: one.state for one in reported} == states(database)


async def test_a_batch_of_which_one_task_was_taken_away_is_done_again_without_it(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, "stolen", "mine")
    stolen: list[Task] = []

    async def handle(held: Claim[Settled]) -> None:
        if not stolen:
            with database.begin() as connection:
                queue.release(connection, worker.number, held.tasks[:1])
            stolen.extend(claim(database, queue, thief.number, limit=1))
        await completing()(held)

    with Worker(database, queue) as worker, Worker(database, queue) as thief:
        assert (await drain(worker, handle, idle_seconds=0, prefetch=0)).completed == 1  # or it would steal first
        assert states(database) == {"stolen": "active", "mine": "completed"}
    assert rows(database)["mine"].attempt == 1


async def test_tasks_of_a_dead_worker_are_taken_over_and_reported(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    claim(database, queue)
    reported: list[Settled] = []
    with Worker(database, queue) as worker:
        drained = await drain(worker, completing(), idle_seconds=0, on_batch=reported.extend)
    assert drained == DrainResult(1, 1, 0, StopReason.IDLE)
    assert isinstance(reported[0].error, WorkerDiedError)
    assert reported[1].state is TaskState.COMPLETED


async def test_a_worker_that_the_others_do_not_see_takes_nobody_for_dead(
    database: Database, queue: TaskQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would begin with itself."""
    enqueue(database, queue, "a")
    claim(database, queue)
    monkeypatch.setattr(Worker, "is_registered", False)
    with Worker(database, queue) as worker:
        assert await drain(worker, completing(), idle_seconds=0) == DrainResult(0, 0, 0, StopReason.IDLE)
    assert states(database) == {"a": "active"}


async def test_reports_come_one_at_a_time_and_hold_every_outcome(database: Database) -> None:
    queue = make_queue(batch=3)
    enqueue(database, queue, *(str(n) for n in range(30)))
    reported: list[str] = []
    inside = 0

    def report(settled: Sequence[Settled]) -> None:
        nonlocal inside
        inside += 1
        assert inside == 1
        reported.extend(one.task.key for one in settled)
        inside -= 1

    with Worker(database, queue) as worker:
        await drain(worker, completing(), idle_seconds=0, concurrency=3, on_batch=report)
    assert sorted(reported, key=int) == [str(n) for n in range(30)]


class ForgetfulDatabase(Database):
    """Commits, and then loses the answer, when asked to."""

    forget = False

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        with super().begin() as connection:
            yield connection
        if self.forget:
            self.forget = False
            raise DatabaseAwayError("The server closed the connection before it answered the COMMIT")


async def test_a_claim_whose_commit_got_no_answer_is_given_back_and_made_again(database_url: str) -> None:
    database = ForgetfulDatabase(database_url)
    queue = make_queue()
    enqueue(database, queue, "a")
    with Worker(database, queue) as worker:
        database.forget = True
        assert (await drain(worker, completing(), idle_seconds=0)).completed == 1
    row = rows(database)["a"]
    database.close()
    assert (row.token, row.attempt) == (2, 1)


async def test_a_settling_whose_commit_got_no_answer_is_not_done_twice(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim_runner, "PAUSE_SECONDS", 0.0)
    database = ForgetfulDatabase(database_url)
    queue = make_queue()
    enqueue(database, queue, "a")

    async def handle(claim: Claim[Settled]) -> None:
        database.forget = True
        settle_all(claim)

    reported: list[Settled] = []
    with Worker(database, queue) as worker:
        await drain(worker, handle, idle_seconds=0, on_batch=reported.extend)
    row = rows(database)["a"]
    database.close()
    assert (row.state, row.token) == ("completed", 1)
    assert [one.state for one in reported] == [TaskState.COMPLETED]


async def test_a_batch_that_the_database_failed_is_done_again_uncounted_and_reported_once(
    database: Database, queue: TaskQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim_runner, "PAUSE_SECONDS", 0.0)
    enqueue(database, queue, "a")

    async def handle(claim: Claim[Settled]) -> None:
        with claim.transaction() as connection:
            claim.settle(connection, [Outcome(task) for task in claim.tasks])
            if claim.tasks[0].token == 1:
                connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

    reported: list[Settled] = []
    with Worker(database, queue) as worker:
        drained = await drain(worker, handle, idle_seconds=0, on_batch=reported.extend)
    assert drained == DrainResult(1, 0, 0, StopReason.IDLE)
    assert [(one.state, one.task.token, one.task.attempt) for one in reported] == [(TaskState.COMPLETED, 2, 1)]


async def test_a_lone_task_settled_elsewhere_is_not_settled_again(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")

    async def handle(claim: Claim[Settled]) -> None:
        settle(database, queue, claim.tasks)

    with Worker(database, queue) as worker:
        assert await drain(worker, handle, idle_seconds=0) == DrainResult(0, 0, 0, StopReason.IDLE)
    assert states(database) == {"a": "completed"}
