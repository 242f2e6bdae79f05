"""Rounds: what is done is written although one attempt hangs, and the queue goes on meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.work_queue import claim_runner, rounds
from orchestration.work_queue.model import NewTask, Outcome, Priority, Settled, Task
from orchestration.work_queue.options import DrainResult, StopReason
from orchestration.work_queue.rounds import settle_in_rounds
from orchestration.work_queue.worker import MOST_LINGERING, Worker
from orchestration_tests.work_queue.queues import claim_one, drain, enqueue, make_queue, reap, rows, states, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from orchestration.storage.database import Database
    from orchestration.work_queue.claim import Claim

Done = tuple[Task, Exception | None]


@pytest.fixture(autouse=True)
def short_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "ROUND_SECONDS", 0.05)


def failed(task: Task, error: Exception) -> Done:
    return task, error


def write(claim: Claim[Settled], done: Sequence[Done]) -> None:
    with claim.transaction() as connection:
        for one in claim.settle(connection, [Outcome(task, error) for task, error in done]):
            claim.report(one.task, one)


def in_rounds(
    attempt: Callable[[Task], Awaitable[None]],
    write: Callable[[Claim[Settled], Sequence[Done]], None] = write,
) -> Callable[[Claim[Settled]], Awaitable[None]]:
    async def one(task: Task) -> Done:
        await attempt(task)
        return task, None

    return lambda claim: settle_in_rounds(claim, one, partial(write, claim), failed)


class Server:
    """Answers at once, but for keys that begin with `slow`, which wait until it is `released`."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self.requests: Counter[str] = Counter()

    async def answer(self, task: Task) -> None:
        self.requests[task.key] += 1
        if task.key.startswith("slow"):
            await self.released.wait()


async def test_the_neighbours_of_a_slow_task_are_written_and_handed_on_and_the_queue_goes_on(
    database: Database,
) -> None:
    queue = make_queue(batch=3)
    enqueue(database, queue, "slow", "a", "b", "c", "d")
    server = Server()
    results: list[str] = []
    with Worker(database, queue) as worker:
        draining = asyncio.create_task(
            drain(
                worker,
                in_rounds(server.answer),
                idle_seconds=0,
                prefetch=0,
                on_batch=lambda batch: results.extend(one.task.key for one in batch),
            )
        )
        await until(lambda: sorted(results) == list("abcd"))
        assert states(database) == {"slow": "active", **dict.fromkeys("abcd", "completed")}
        server.released.set()
        assert await draining == DrainResult(5, 0, 0, StopReason.IDLE)
    assert server.requests == Counter(["slow", *"abcd"])


async def test_only_so_many_claims_linger_and_one_more_keeps_its_place(database: Database) -> None:
    queue = make_queue(batch=1)
    slow = [f"slow {n}" for n in range(MOST_LINGERING + 3)]
    enqueue(database, queue, *slow)
    server = Server()
    with Worker(database, queue) as worker:
        draining = asyncio.create_task(drain(worker, in_rounds(server.answer), idle_seconds=0, prefetch=0))
        await until(lambda: len(server.requests) == MOST_LINGERING + 1)
        await asyncio.sleep(0.3)
        assert len(server.requests) == list(states(database).values()).count("active") == MOST_LINGERING + 1
        server.released.set()
        assert (await draining).completed == len(slow)


@pytest.mark.usefixtures("no_poll")
async def test_a_cancelled_task_ends_at_once_and_its_neighbours_go_on(database: Database) -> None:
    queue = make_queue()
    enqueue(database, queue, "slow", "slow too", "a")
    server = Server()
    with Worker(database, queue) as worker:
        draining = asyncio.create_task(drain(worker, in_rounds(server.answer), idle_seconds=0))
        await until(lambda: states(database)["a"] == "completed")
        with database.begin() as connection:
            queue.request_cancel(connection, "slow")
        await until(lambda: states(database)["slow"] == "cancelled")
        assert states(database)["slow too"] == "active"
        server.released.set()
        assert (await draining).completed == 2
    assert rows(database)["slow"].error == "TaskCancelledError: slow was cancelled on request"


async def test_a_task_that_was_cancelled_before_its_claim_ran_never_begins(database: Database) -> None:
    queue = make_queue(batch=1)
    enqueue(database, queue, "slow", NewTask("next", delay=0.0))
    server = Server()
    with Worker(database, queue) as worker:
        function = in_rounds(server.answer)
        draining = asyncio.create_task(drain(worker, function, idle_seconds=0, concurrency=1, prefetch=1))
        await until(lambda: list(states(database).values()).count("active") == 2 or "next" in server.requests)
        with database.begin() as connection:
            queue.request_cancel(connection, "slow")
        await until(lambda: states(database)["slow"] == "cancelled")
        assert (await draining).completed == 1


async def test_a_suspect_at_the_head_does_not_hold_up_a_worker_whose_tasks_are_slow(database: Database) -> None:
    queue = make_queue(batch=3)
    enqueue(database, queue, "suspect")
    claim_one(database, queue)
    reap(database, queue)
    enqueue(database, queue, NewTask("slow", priority=Priority.HIGH))
    server = Server()
    with Worker(database, queue) as worker:
        draining = asyncio.create_task(drain(worker, in_rounds(server.answer), idle_seconds=0, prefetch=0))
        await until(lambda: "slow" in server.requests)
        enqueue(database, queue, "a", "b")
        await until(lambda: [states(database)[key] for key in "ab"] == ["completed", "completed"])
        assert states(database)["suspect"] == "waiting"
        with database.begin() as connection:
            connection.execute(sa.text("UPDATE task SET claimed_at = claimed_at - interval '2 min'"))
        enqueue(database, queue, "c")
        await until(lambda: states(database)["suspect"] == "completed")
        server.released.set()
        await draining


async def test_a_stop_gives_an_attempt_that_hangs_back_uncounted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "STOP_SECONDS", 0.1)
    queue = make_queue()
    enqueue(database, queue, "slow", "a")
    with Worker(database, queue) as worker:
        draining = asyncio.create_task(drain(worker, in_rounds(Server().answer)))
        await until(lambda: states(database)["a"] == "completed")
        worker.stop()
        assert await draining == DrainResult(1, 0, 0, StopReason.STOPPED)
        row = rows(database)["slow"]
        assert (row.state, row.attempt) == ("waiting", 0)


async def test_an_attempt_that_ends_soon_after_a_stop_is_written(database: Database) -> None:
    queue = make_queue()
    enqueue(database, queue, "slow", "a")
    server = Server()
    with Worker(database, queue) as worker:
        draining = asyncio.create_task(drain(worker, in_rounds(server.answer)))
        await until(lambda: states(database)["a"] == "completed")
        worker.stop()
        await asyncio.sleep(0.2)
        server.released.set()
        assert await draining == DrainResult(2, 0, 0, StopReason.STOPPED)


@pytest.mark.parametrize("error", [KeyError("width"), RecursionError(), asyncio.CancelledError()])
async def test_an_attempt_that_fails_unexpectedly_is_the_outcome_of_its_task_alone(
    database: Database, error: BaseException
) -> None:
    queue = make_queue()
    enqueue(database, queue, *"abc")
    server = Server()

    async def attempt(task: Task) -> None:
        await server.answer(task)
        if task.key == "b":
            raise error

    results: list[Settled] = []
    with Worker(database, queue) as worker:
        drained = await drain(worker, in_rounds(attempt), idle_seconds=0, on_batch=results.extend)
    assert drained == DrainResult(2, 1, 0, StopReason.IDLE)
    assert [one.task.key for one in results if one.error is not None] == ["b"]
    assert server.requests == Counter("abc")


async def test_an_attempt_that_the_database_failed_is_put_back_uncounted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim_runner, "PAUSE_SECONDS", 0.0)
    queue = make_queue()
    enqueue(database, queue, *"abc")
    server = Server()

    def ask() -> None:
        with database.begin() as connection:
            connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

    async def attempt(task: Task) -> None:
        await server.answer(task)
        if task.key == "b" and server.requests["b"] == 1:
            await asyncio.to_thread(ask)

    with Worker(database, queue) as worker:
        drained = await drain(worker, in_rounds(attempt), idle_seconds=0)
    assert drained == DrainResult(3, 0, 0, StopReason.IDLE)
    assert {row.attempt for row in rows(database).values()} == {1}
    assert server.requests == Counter("abbc")


async def test_a_task_that_cannot_be_written_fails_alone_and_no_other_is_attempted_again(database: Database) -> None:
    queue = make_queue()
    names = [str(n) for n in range(50)]
    enqueue(database, queue, *names)
    server = Server()

    def write_or_refuse(claim: Claim[Settled], done: Sequence[Done]) -> None:
        with claim.transaction() as connection:
            for task, error in done:
                if error is None:
                    price = "1e999" if task.key == "17" else "1"
                    connection.execute(sa.text("SELECT CAST(:price AS double precision)"), {"price": price})
            for one in claim.settle(connection, [Outcome(task, error) for task, error in done]):
                claim.report(one.task, one)

    results: list[Settled] = []
    with Worker(database, queue) as worker:
        drained = await drain(
            worker, in_rounds(server.answer, write_or_refuse), idle_seconds=0, on_batch=results.extend
        )
    assert drained == DrainResult(49, 0, 1, StopReason.IDLE)
    (failure,) = [one for one in results if one.error is not None]
    assert failure.task.key == "17"
    assert str(failure.error).startswith("The database refuses 17: NumericValueOutOfRange")
    assert server.requests == Counter(names)


async def test_what_a_stranger_has_locked_is_written_with_a_later_round_and_its_neighbours_at_once(
    database: Database,
) -> None:
    queue = make_queue()
    enqueue(database, queue, "slow", *"abc")
    server = Server()
    with Worker(database, queue) as worker:
        with database.begin() as stranger:
            draining = asyncio.create_task(drain(worker, in_rounds(server.answer), idle_seconds=0))
            await until(lambda: states(database)["a"] == "active")
            queue.enqueue(stranger, [NewTask("b", "newer")])
            await until(lambda: [states(database)[key] for key in "ac"] == ["completed"] * 2)
        # The stranger's task of that key follows the one that is written now.
        await until(lambda: rows(database)["b"].state == "completed" and rows(database)["b"].payload == "newer")
        server.released.set()
        drained = await draining
    assert (drained.retried, drained.dead) == (0, 0)
    assert {row.attempt for row in rows(database).values()} == {1}


async def test_rounds_are_written_in_threads(database: Database) -> None:
    queue = make_queue()
    enqueue(database, queue, "a")
    threads: list[threading.Thread] = []

    def write_and_tell(claim: Claim[Settled], done: Sequence[Done]) -> None:
        threads.append(threading.current_thread())
        write(claim, done)

    with Worker(database, queue) as worker:
        await drain(worker, in_rounds(Server().answer, write_and_tell), idle_seconds=0)
    assert threads
    assert threading.main_thread() not in threads
