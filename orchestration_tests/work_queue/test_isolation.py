"""One broken task never harms another: it fails alone, and everyone hears of it once."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from orchestration.work_queue import claim_runner
from orchestration.work_queue.claim import TaskHandler
from orchestration.work_queue.model import NewTask, Outcome, Settled, StaleClaimError, TaskState
from orchestration.work_queue.options import DrainOptions, DrainResult, StopReason
from orchestration.work_queue.worker import Worker
from orchestration_tests.work_queue.queues import (
    Handling,
    claim,
    completing,
    drain,
    enqueue,
    make_queue,
    rows,
    settle_all,
    states,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestration.storage.database import Database
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.queue import TaskQueue

NAMES = [str(n) for n in range(100)]
CULPRIT = "37"


class DeepError(Exception):
    """Its message cannot be made, as that of an error that holds a deep document."""

    def __str__(self) -> str:
        raise RecursionError


def raise_value_error(_connection: sa.Connection) -> None:
    raise ValueError("no price")


def raise_recursion_error(_connection: sa.Connection) -> None:
    json.loads("[" * 100_000)


def raise_memory_error(_connection: sa.Connection) -> None:
    raise MemoryError("a picture of a terabyte")


def raise_wordless_error(_connection: sa.Connection) -> None:
    raise DeepError


def raise_data_error(connection: sa.Connection) -> None:
    connection.execute(sa.text("INSERT INTO effect VALUES (CAST(1e300 AS integer)::text)"))


def raise_program_limit_exceeded(connection: sa.Connection) -> None:
    letters = random.Random(1)
    text = "".join(chr(letters.randrange(0x4E00, 0x9FFF)) for _ in range(10_000))
    connection.execute(sa.text("INSERT INTO effect VALUES (:text)"), {"text": text})


def raise_statement_timeout(connection: sa.Connection) -> None:
    connection.execute(sa.text("SET LOCAL statement_timeout = 5"))
    connection.execute(sa.text("SELECT pg_sleep(10)"))


def raise_own_cancellation(_connection: sa.Connection) -> None:
    raise asyncio.CancelledError


# Errors of known types, whose tracebacks tell nobody anything.
FORESEEN = (raise_own_cancellation, raise_statement_timeout)
FAULTS: list[tuple[Callable[[sa.Connection], None], str, str]] = [
    (raise_value_error, "waiting", r"ValueError in test_isolation\.py:\d+ \(raise_value_error\): no price"),
    (raise_recursion_error, "waiting", r"RecursionError in decoder\.py:\d+ \(raw_decode\): maximum recursion depth.*"),
    (raise_memory_error, "waiting", r"MemoryError in test_isolation\.py:\d+ \(.*\): a picture of a terabyte"),
    (
        raise_wordless_error,
        "waiting",
        r"DeepError in test_isolation\.py:\d+ \(.*\): its message is lost to Recursion.*",
    ),
    (raise_data_error, "dead", r"The database refuses 37: NumericValueOutOfRange: integer out of range"),
    (raise_program_limit_exceeded, "dead", r"The database refuses 37: ProgramLimitExceeded: index row .*"),
    (raise_statement_timeout, "waiting", r"The database cannot do this now: .* due to statement timeout"),
    (raise_own_cancellation, "waiting", r"The handler was cancelled from within"),
]


@pytest.fixture(autouse=True)
def effects(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("CREATE TABLE effect (key text PRIMARY KEY)"))


def effects_of(database: Database) -> Counter[str]:
    with database.begin() as connection:
        return Counter(connection.execute(sa.text("SELECT key FROM effect")).scalars())


class BatchHandler(Handling):
    """Writes a whole claim in one transaction, which `faults` break for the tasks that they name."""

    def __init__(self, faults: dict[str, Callable[[sa.Connection], None]]) -> None:
        super().__init__(self._write)
        self.faults = faults
        self.handlings = 0
        self.recorded: list[tuple[str, str]] = []

    async def _write(self, claim: Claim[Settled]) -> None:
        self.handlings += 1
        with claim.transaction() as connection:
            for task in claim.tasks:
                connection.execute(sa.text("INSERT INTO effect VALUES (:key)"), {"key": task.key})
            claim.settle(connection, [Outcome(task) for task in claim.tasks])
            for task in claim.tasks:
                if task.key in self.faults:
                    self.faults[task.key](connection)

    def record_failures(self, connection: sa.Connection, failures: Sequence[Settled]) -> None:
        assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1
        self.recorded += [(one.task.key, str(one.state)) for one in failures]


async def run(database: Database, handler: TaskHandler[Settled]) -> tuple[DrainResult, list[Settled]]:
    results: list[Settled] = []
    queue = make_queue(wait=3_600)  # on a busy machine, the first to fail would be due again before the last has
    enqueue(database, queue, *NAMES)
    with Worker(database, queue) as worker:
        return await worker.drain(handler, results.extend, options=DrainOptions(idle_seconds=0)), results


@pytest.mark.parametrize(("fault", "state", "error"), FAULTS)
async def test_of_a_full_batch_only_the_broken_task_fails(
    database: Database, fault: Callable[[sa.Connection], None], state: str, error: str
) -> None:
    handler = BatchHandler({CULPRIT: fault})
    with capture_logs() as logs:
        drained, results = await run(database, handler)
    assert (drained.completed, drained.retried + drained.dead) == (99, 1)
    assert effects_of(database) == Counter(name for name in NAMES if name != CULPRIT)
    assert states(database) == {**dict.fromkeys(NAMES, "completed"), CULPRIT: state}
    assert {row.attempt for row in rows(database).values()} == {1}
    assert Counter(one.task.key for one in results) == Counter(NAMES)
    (failure,) = [one for one in results if one.error is not None]
    assert failure.task.key == CULPRIT
    assert re.fullmatch(error, str(failure.error))
    assert re.fullmatch(rf"\w+: {error}", rows(database)[CULPRIT].error)
    assert handler.recorded == [(CULPRIT, state)]
    assert handler.handlings <= 200
    tracebacks = [entry for entry in logs if "exc_info" in entry]
    assert [entry["key"] for entry in tracebacks] == ([] if fault in FORESEEN else [CULPRIT])


async def test_each_of_two_broken_tasks_fails_and_no_other(database: Database) -> None:
    handler = BatchHandler({"0": raise_value_error, "99": raise_data_error})
    drained, results = await run(database, handler)
    assert (drained.completed, drained.retried, drained.dead) == (98, 1, 1)
    assert sorted(one.task.key for one in results if one.error) == ["0", "99"]
    assert sorted(effects_of(database)) == sorted(NAMES[1:-1])


async def test_when_all_are_broken_all_fail_in_less_than_two_handlings_each(database: Database) -> None:
    handler = BatchHandler(dict.fromkeys(NAMES, raise_value_error))
    drained, results = await run(database, handler)
    assert (drained.completed, drained.retried) == (0, 100)
    assert Counter(one.task.key for one in results) == Counter(NAMES)
    assert handler.handlings == 199


async def test_a_broken_task_dies_after_its_attempts_and_names_what_it_died_of(database: Database) -> None:
    queue = make_queue(attempts=2, wait=0)
    enqueue(database, queue, "broken", "sound")
    handler = BatchHandler({"broken": raise_value_error})
    with Worker(database, queue) as worker:
        drained = await worker.drain(handler, options=DrainOptions(idle_seconds=0))
    assert (drained.completed, drained.retried, drained.dead) == (1, 1, 1)
    with database.begin() as connection:
        (letter,) = queue.dead(connection)
    assert letter.error is not None
    assert re.fullmatch(
        r"UnexpectedError: ValueError in test_isolation\.py:\d+ \(raise_value_error\): no price", letter.error
    )


async def test_an_error_after_everything_was_settled_is_raised_at_the_end(database: Database, queue: TaskQueue) -> None:
    """No task is to blame, and the results may be lost: so it must not pass in silence."""
    enqueue(database, queue, "a", "b")

    async def handle(claim: Claim[Settled]) -> None:
        await completing()(claim)
        raise ZeroDivisionError("a broken report")

    with Worker(database, queue) as worker, pytest.raises(ZeroDivisionError, match="a broken report"):
        await drain(worker, handle, idle_seconds=0)
    assert set(states(database).values()) == {"completed"}
    assert {row.attempt for row in rows(database).values()} == {1}


async def test_an_error_between_two_commits_fails_nobody_who_was_settled(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, *"abcd")
    results: list[Settled] = []

    async def handle(claim: Claim[Settled]) -> None:
        for task in claim.tasks:
            with claim.transaction() as connection:
                claim.report(task, claim.settle(connection, [Outcome(task)])[0])
            if task.key == "b":
                raise KeyError("after the commit")

    with Worker(database, queue) as worker:
        drained = await drain(worker, handle, idle_seconds=0, on_batch=results.extend)
    assert drained == DrainResult(4, 0, 0, StopReason.IDLE)
    assert Counter(one.task.key for one in results) == Counter("abcd")


class Unreporting(TaskHandler[str]):
    """Settles every task with an error, and reports none."""

    async def handle(self, claim: Claim[str]) -> None:
        with claim.transaction() as connection:
            claim.settle(connection, [Outcome(task, ValueError("no route")) for task in claim.tasks])

    def failure(self, settled: Settled) -> str:
        return f"{settled.task.key}: {settled.error}"


async def test_a_failure_that_the_handler_settles_and_does_not_report_is_handed_on(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, "a", "b")
    results: list[str] = []
    with Worker(database, queue) as worker:
        await worker.drain(Unreporting(), results.extend, options=DrainOptions(idle_seconds=0))
    assert results == ["a: no route", "b: no route"]


async def test_a_result_of_a_transaction_that_was_rolled_back_is_never_handed_on(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, "a", "b")
    results: list[Settled] = []

    async def handle(claim: Claim[Settled]) -> None:
        with claim.transaction() as connection:
            for task in claim.tasks:
                claim.report(task, claim.settle(connection, [Outcome(task)])[0])
            if "b" in [task.key for task in claim.tasks]:
                raise ValueError("broken")

    with Worker(database, queue) as worker:
        await drain(worker, handle, idle_seconds=0, on_batch=results.extend)
    assert [(one.task.key, one.state) for one in results] == [("a", TaskState.COMPLETED), ("b", TaskState.WAITING)]


async def test_a_stop_while_a_batch_is_being_isolated_gives_the_rest_back(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, *"abcd")
    with Worker(database, queue) as worker:

        async def handle(claim: Claim[Settled]) -> None:
            if len(claim.tasks) == 1:
                worker.stop()
            raise ValueError("broken")

        drained = await drain(worker, handle)
    assert (drained.retried, drained.reason) == (1, StopReason.STOPPED)
    assert [row.attempt for row in rows(database).values()] == [1, 0, 0, 0]


async def test_a_report_that_fails_within_a_handler_ends_the_drain_and_blames_no_task(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, "a", "b")

    async def handle(claim: Claim[Settled]) -> None:
        settle_all(claim)
        await claim.pass_on()

    def report(results: Sequence[Settled]) -> None:
        raise ZeroDivisionError(len(results))

    with Worker(database, queue) as worker, pytest.raises(ZeroDivisionError):
        await drain(worker, handle, on_batch=report)
    assert {(row.state, row.attempt) for row in rows(database).values()} == {("completed", 1)}


class Forgetful(BatchHandler):
    """Fails to record failures."""

    def record_failures(self, connection: sa.Connection, failures: Sequence[Settled]) -> None:
        connection.execute(sa.text("INSERT INTO effect VALUES ('half a record')"))
        connection.execute(sa.text("SELECT :failed / 0"), {"failed": len(failures)})


async def test_a_failure_that_cannot_be_recorded_is_settled_and_the_drain_raises_at_its_end(
    database: Database,
) -> None:
    with capture_logs() as logs, pytest.raises(sa.exc.DataError, match="division by zero"):
        await run(database, Forgetful({CULPRIT: raise_value_error}))
    assert states(database) == {**dict.fromkeys(NAMES, "completed"), CULPRIT: "waiting"}
    assert "half a record" not in effects_of(database)
    assert [entry["keys"] for entry in logs if entry["event"] == "failures not recorded"] == [[CULPRIT]]


async def test_the_failures_of_a_dead_worker_are_recorded_as_they_are_taken_back(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, "a")
    claim(database, queue)
    handler = BatchHandler({})
    with Worker(database, queue) as worker:
        drained = await worker.drain(handler, options=DrainOptions(idle_seconds=0))
    assert (drained.completed, drained.retried) == (1, 1)
    assert handler.recorded == [("a", "waiting")]


async def test_a_lost_task_whose_record_fails_is_taken_back_all_the_same(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    claim(database, queue)
    with Worker(database, queue) as worker, pytest.raises(sa.exc.DataError):
        await worker.drain(Forgetful({}), options=DrainOptions(idle_seconds=0))
    assert effects_of(database) == Counter("a")
    assert rows(database)["a"].attempt == 2


@pytest.mark.parametrize("disturbance", ["end the session", "read only", "stale"])
async def test_what_is_no_fault_of_the_tasks_charges_no_attempt(
    database: Database, queue: TaskQueue, monkeypatch: pytest.MonkeyPatch, disturbance: str
) -> None:
    monkeypatch.setattr(claim_runner, "PAUSE_SECONDS", 0.0)
    enqueue(database, queue, "a", "b")
    handled: list[int] = []

    async def handle(claim: Claim[Settled]) -> None:
        handled.append(len(claim.tasks))
        with claim.transaction() as connection:
            if len(handled) == 1:
                match disturbance:
                    case "end the session":
                        connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
                    case "read only":
                        connection.execute(sa.text("SET TRANSACTION READ ONLY"))
                    case _:
                        with database.begin() as other:
                            queue.release(other, worker.number, claim.tasks[:1])
            for one in claim.settle(connection, [Outcome(task) for task in claim.tasks]):
                claim.report(one.task, one)

    results: list[Settled] = []
    with Worker(database, queue) as worker:
        drained = await drain(worker, handle, idle_seconds=0, on_batch=results.extend)
    assert drained == DrainResult(2, 0, 0, StopReason.IDLE)
    assert Counter(one.task.key for one in results) == Counter("ab")
    assert {row.attempt for row in rows(database).values()} == {1}


async def test_a_stale_claim_that_is_none_is_a_fault_of_the_handler(database: Database, queue: TaskQueue) -> None:
    """Giving such a task back uncounted would have it handled for ever."""
    enqueue(database, queue, NewTask("twice"), NewTask("once"))

    async def handle(claim: Claim[Settled]) -> None:
        with claim.transaction() as connection:
            for task in claim.tasks:
                for _ in range(2 if task.key == "twice" else 1):
                    claim.settle(connection, [Outcome(task)])

    with Worker(database, queue) as worker:
        drained = await drain(worker, handle, idle_seconds=0)
    assert (drained.completed, drained.retried) == (1, 1)
    assert StaleClaimError.__name__ in rows(database)["twice"].error
