"""The drain: how it starts, shares, waits, ends, and what it makes of a handler's errors."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.errors import InvalidInputError, TransientError
from orchestration.storage.database import Database
from orchestration.work_queue import drain as drain_module
from orchestration.work_queue.drain import Drained, Ending
from orchestration.work_queue.model import (
    NewTask,
    Outcome,
    Settled,
    Task,
    TaskState,
    UnsettledTaskError,
    WorkerDiedError,
)
from orchestration.work_queue.worker import Worker
from orchestration_tests.work_queue.queues import (
    NOBODY,
    claim,
    completing,
    enqueue,
    keys,
    make_queue,
    rows,
    settle,
    states,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.queue import TaskQueue


@pytest.fixture
def no_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever wakes the drain now is not its own looking around."""
    monkeypatch.setattr(drain_module, "POLL_SECONDS", 1_000.0)


async def until(true: Callable[[], bool]) -> None:
    """Wait for what only a look into the database can tell."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110  # no event marks it
            await asyncio.sleep(0.01)


def settle_all(database: Database, claim: Claim, error: Exception | None = None) -> None:
    with database.begin() as connection:
        claim.settle(connection, [Outcome(task, error) for task in claim.tasks])


async def test_a_drain_completes_everything_and_ends_when_idle(database: Database) -> None:
    queue = make_queue(batch=10)
    enqueue(database, queue, *(str(n) for n in range(95)))
    with Worker(database, queue) as worker:
        drained = await worker.drain(completing(database), idle_seconds=0)
    assert drained == Drained(completed=95, retried=0, dead=0, ending=Ending.IDLE)
    assert set(states(database).values()) == {"completed"}


async def test_a_drain_of_nothing_ends_at_once(database: Database, queue: TaskQueue) -> None:
    with Worker(database, queue) as worker:
        assert await worker.drain(completing(database), idle_seconds=0) == Drained(0, 0, 0, Ending.IDLE)


async def test_a_worker_may_drain_again(database: Database, queue: TaskQueue) -> None:
    with Worker(database, queue) as worker:
        for key in "ab":
            enqueue(database, queue, key)
            assert (await worker.drain(completing(database), idle_seconds=0)).completed == 1


async def test_two_drains_share_the_work(database: Database) -> None:
    queue = make_queue(batch=5)
    enqueue(database, queue, *(str(n) for n in range(200)))
    with Worker(database, queue) as first, Worker(database, queue) as second:
        both = await asyncio.gather(
            first.drain(completing(database), idle_seconds=0), second.drain(completing(database), idle_seconds=0)
        )
    assert sum(drained.completed for drained in both) == 200
    assert all(drained.completed for drained in both)


@pytest.mark.parametrize(("concurrency", "prefetch"), [(1, 0), (1, 1), (2, 1), (3, 2)])
async def test_no_more_batches_are_handled_or_held_than_asked_for(
    database: Database, concurrency: int, prefetch: int
) -> None:
    queue = make_queue(batch=2)
    enqueue(database, queue, *(str(n) for n in range(40)))
    handled, held, running = [], [], 0

    async def handle(claim: Claim) -> None:
        nonlocal running
        running += 1
        await asyncio.sleep(0.02)
        handled.append(running)
        held.append(list(states(database).values()).count("active"))
        await completing(database)(claim)
        running -= 1

    with Worker(database, queue) as worker:
        await worker.drain(handle, idle_seconds=0, concurrency=concurrency, prefetch=prefetch)
    assert max(handled) == concurrency
    assert max(held) == 2 * (concurrency + prefetch)


@pytest.mark.usefixtures("no_poll")
async def test_a_task_enqueued_into_an_idle_drain_wakes_it(database: Database, queue: TaskQueue) -> None:
    with Worker(database, queue) as worker:
        draining = asyncio.create_task(worker.drain(completing(database), idle_seconds=1_000))
        for key in ("first", "second"):
            await asyncio.sleep(0.05)
            await asyncio.to_thread(enqueue, database, queue, key)
            await until(lambda: set(states(database).values()) == {"completed"})
        worker.stop()
        assert (await draining).ending is Ending.STOPPED


@pytest.mark.usefixtures("no_poll")
@pytest.mark.parametrize("way", ["release", "reap", "replay"])
async def test_a_task_that_comes_back_wakes_an_idle_drain(database: Database, queue: TaskQueue, way: str) -> None:
    with Worker(database, queue) as worker:
        draining = asyncio.create_task(worker.drain(completing(database), idle_seconds=1_000))
        await asyncio.sleep(0.1)
        with database.begin() as connection:
            queue.enqueue(connection, [NewTask("a")])
            tasks = queue.claim(connection, NOBODY)
            if way == "replay":
                queue.settle(connection, [Outcome(tasks[0], InvalidInputError("broken"))])
        await asyncio.sleep(0.1)
        with database.begin() as connection:
            match way:
                case "release":
                    queue.release(connection, NOBODY, tasks)
                case "reap":
                    queue.reap(connection)
                case _:
                    queue.replay(connection)
        await until(lambda: states(database) == {"a": "completed"})
        worker.stop()
        await draining


@pytest.mark.usefixtures("no_poll")
async def test_an_idle_drain_stays_for_a_task_that_is_due_before_it_would_end(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, NewTask("soon", delay=0.2), NewTask("late", delay=60))
    with Worker(database, queue) as worker:
        drained = await worker.drain(completing(database), idle_seconds=0.5)
    assert drained == Drained(1, 0, 0, Ending.IDLE)
    assert states(database) == {"soon": "completed", "late": "waiting"}


@pytest.mark.usefixtures("no_poll")
async def test_a_failed_task_is_tried_again_as_soon_as_its_wait_is_over(database: Database) -> None:
    queue = make_queue(attempts=3, wait=0.1)
    enqueue(database, queue, "flaky")

    async def handle(claim: Claim) -> None:
        error = ValueError("not yet") if claim.tasks[0].attempt < 3 else None
        await asyncio.to_thread(settle_all, database, claim, error)

    def is_done() -> bool:
        return states(database) == {"flaky": "completed"}

    with Worker(database, queue) as worker:
        async with asyncio.timeout(10):
            drained = await worker.drain(handle, until=is_done, idle_seconds=1_000)
    assert drained == Drained(1, 2, 0, Ending.DONE)


@pytest.mark.usefixtures("no_poll")
async def test_the_next_in_order_follows_as_soon_as_its_predecessor_is_settled(database: Database) -> None:
    queue = make_queue()
    enqueue(database, queue, *(NewTask(str(n), order_key="a") for n in range(5)))
    handled: list[str] = []

    async def handle(claim: Claim) -> None:
        handled.extend(keys(claim.tasks))
        await completing(database)(claim)

    with Worker(database, queue) as worker:
        await worker.drain(handle, idle_seconds=0, prefetch=2)
    assert handled == ["0", "1", "2", "3", "4"]


async def test_a_stopped_drain_finishes_the_batch_in_hand_and_gives_the_others_back(database: Database) -> None:
    queue = make_queue(batch=1)
    enqueue(database, queue, *"abcde")
    with Worker(database, queue) as worker:

        async def handle(claim: Claim) -> None:
            await until(lambda: list(states(database).values()).count("active") == 3)  # both prefetched are here
            worker.stop()
            await completing(database)(claim)

        drained = await worker.drain(handle, idle_seconds=1_000, prefetch=2)
        assert drained == Drained(1, 0, 0, Ending.STOPPED)
        assert {key: (row.state, row.attempt) for key, row in rows(database).items()} == {
            "a": ("completed", 1),
            **dict.fromkeys("bcde", ("waiting", 0)),
        }


@pytest.mark.usefixtures("no_poll")
async def test_an_idle_drain_ends_as_soon_as_it_is_stopped(database: Database, queue: TaskQueue) -> None:
    with Worker(database, queue) as worker:
        draining = asyncio.create_task(worker.drain(completing(database), idle_seconds=1_000))
        await asyncio.sleep(0.1)
        worker.stop()
        async with asyncio.timeout(10):
            assert (await draining).ending is Ending.STOPPED


async def test_a_drain_that_was_stopped_before_it_began_takes_nothing(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    with Worker(database, queue) as worker:
        worker.stop()
        assert (await worker.drain(completing(database))).ending is Ending.STOPPED
    assert rows(database)["a"].token == 0


async def test_a_drain_ends_when_its_time_is_up_though_there_is_work(database: Database) -> None:
    queue = make_queue(batch=1)
    enqueue(database, queue, *(str(n) for n in range(50)))
    now = 0.0

    async def handle(claim: Claim) -> None:
        nonlocal now
        now += 10
        await completing(database)(claim)

    with Worker(database, queue, clock=lambda: now) as worker:
        drained = await worker.drain(handle, max_seconds=25)
        assert drained == Drained(3, 0, 0, Ending.TIME)
        assert "active" not in states(database).values()


async def test_a_drain_ends_as_soon_as_it_is_told_that_all_is_done(database: Database) -> None:
    queue = make_queue(attempts=2, wait=0.2)
    enqueue(database, queue, "a", "b")
    failed: set[str] = set()

    async def handle(claim: Claim) -> None:
        outcomes = [Outcome(task, None if task.key in failed else ValueError("first time")) for task in claim.tasks]
        failed.update(keys(claim.tasks))
        with database.begin() as connection:
            claim.settle(connection, outcomes)

    def nothing_left() -> bool:
        return "waiting" not in states(database).values()

    with Worker(database, queue) as worker:
        drained = await worker.drain(handle, until=nothing_left, idle_seconds=1_000)
    assert drained == Drained(2, 2, 0, Ending.DONE)


async def test_an_error_of_a_handler_is_the_outcome_of_its_tasks_and_the_drain_goes_on(database: Database) -> None:
    queue = make_queue(batch=1)
    enqueue(database, queue, "good", "flaky", "broken", "fine")

    async def handle(claim: Claim) -> None:
        match claim.tasks[0].key:
            case "flaky":
                raise ValueError("no route")
            case "broken":
                raise InvalidInputError("no image")
            case _:
                await completing(database)(claim)

    with Worker(database, queue) as worker:
        assert await worker.drain(handle, idle_seconds=0) == Drained(2, 1, 1, Ending.IDLE)
    assert states(database) == {"good": "completed", "flaky": "waiting", "broken": "dead", "fine": "completed"}
    assert rows(database)["flaky"].error == "ValueError: no route"


async def test_a_transient_error_that_is_not_the_databases_counts_as_an_attempt(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, "a")

    async def handle(claim: Claim) -> None:
        raise TransientError(f"the supplier of {claim.tasks[0].key} is busy", retry_after=600)

    with Worker(database, queue) as worker:
        assert (await worker.drain(handle, idle_seconds=0)).retried == 1
    assert rows(database)["a"].attempt == 1


async def test_a_handler_that_is_cancelled_from_within_has_failed_and_the_drain_goes_on(database: Database) -> None:
    queue = make_queue(batch=1)
    enqueue(database, queue, "cancelled", "fine")

    async def handle(claim: Claim) -> None:
        if claim.tasks[0].key == "cancelled":
            raise asyncio.CancelledError
        await completing(database)(claim)

    with Worker(database, queue) as worker:
        assert await worker.drain(handle, idle_seconds=0) == Drained(1, 1, 0, Ending.IDLE)


async def test_a_task_that_the_handler_leaves_unsettled_has_failed(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "settled", "forgotten")

    async def handle(claim: Claim) -> None:
        with database.begin() as connection:
            claim.settle(connection, [Outcome(claim.tasks[0])])

    told: list[Settled] = []
    with Worker(database, queue) as worker:
        await worker.drain(handle, idle_seconds=0, on_settled=told.extend)
    assert [(one.task.key, one.state, type(one.error)) for one in told] == [
        ("settled", TaskState.COMPLETED, type(None)),
        ("forgotten", TaskState.WAITING, UnsettledTaskError),
    ]


async def test_what_was_committed_before_an_error_stays_and_what_was_rolled_back_has_failed(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, "committed", "rolled back", "untouched")

    async def handle(claim: Claim) -> None:
        committed, rolled_back, _ = claim.tasks
        with database.begin() as connection:
            claim.settle(connection, [Outcome(committed)])
        with database.begin() as connection:
            claim.settle(connection, [Outcome(rolled_back)])
            raise ValueError("broken row")

    told: list[Settled] = []
    with Worker(database, queue) as worker:
        drained = await worker.drain(handle, idle_seconds=0, on_settled=told.extend)
    assert drained == Drained(completed=1, retried=2, dead=0, ending=Ending.IDLE)
    assert {one.task.key: one.state for one in told} == states(database)


async def test_a_batch_of_which_one_task_was_taken_away_is_done_again_without_it(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, "stolen", "mine")
    stolen: list[Task] = []

    async def handle(held: Claim) -> None:
        if not stolen:
            with database.begin() as connection:
                queue.release(connection, worker.number, held.tasks[:1])
            stolen.extend(claim(database, queue, thief.number, limit=1))
        await completing(database)(held)

    with Worker(database, queue) as worker, Worker(database, queue) as thief:
        assert (await worker.drain(handle, idle_seconds=0)).completed == 1
        assert states(database) == {"stolen": "active", "mine": "completed"}
    assert rows(database)["mine"].attempt == 1


async def test_tasks_of_a_dead_worker_are_taken_over_and_reported(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")
    claim(database, queue)
    told: list[Settled] = []
    with Worker(database, queue) as worker:
        drained = await worker.drain(completing(database), idle_seconds=0, on_settled=told.extend)
    assert drained == Drained(1, 1, 0, Ending.IDLE)
    assert isinstance(told[0].error, WorkerDiedError)
    assert told[1].state is TaskState.COMPLETED


async def test_a_worker_that_the_others_do_not_see_takes_nobody_for_dead(
    database: Database, queue: TaskQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would begin with itself."""
    enqueue(database, queue, "a")
    claim(database, queue)
    monkeypatch.setattr(Worker, "seen", False)
    with Worker(database, queue) as worker:
        assert await worker.drain(completing(database), idle_seconds=0) == Drained(0, 0, 0, Ending.IDLE)
    assert states(database) == {"a": "active"}


async def test_reports_come_one_at_a_time_and_hold_every_outcome(database: Database) -> None:
    queue = make_queue(batch=3)
    enqueue(database, queue, *(str(n) for n in range(30)))
    told: list[str] = []
    inside = 0

    def report(settled: Sequence[Settled]) -> None:
        nonlocal inside
        inside += 1
        assert inside == 1
        told.extend(one.task.key for one in settled)
        inside -= 1

    with Worker(database, queue) as worker:
        await worker.drain(completing(database), idle_seconds=0, concurrency=3, on_settled=report)
    assert sorted(told, key=int) == [str(n) for n in range(30)]


async def test_a_report_that_fails_ends_the_drain_with_its_error(database: Database) -> None:
    queue = make_queue(batch=1)
    enqueue(database, queue, "a", "b")

    def report(settled: Sequence[Settled]) -> None:
        raise ZeroDivisionError(len(settled))

    with Worker(database, queue) as worker, pytest.raises(ZeroDivisionError):
        await worker.drain(completing(database), on_settled=report)
    assert "active" not in states(database).values()


async def test_a_cancelled_drain_gives_everything_back_when_the_worker_leaves(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, "a", "b")
    begun = asyncio.Event()

    async def handle(claim: Claim) -> None:
        begun.set()
        await asyncio.sleep(1_000)
        raise AssertionError(claim)

    with Worker(database, queue) as worker:
        draining = asyncio.create_task(worker.drain(handle))
        await begun.wait()
        draining.cancel()
        with pytest.raises(asyncio.CancelledError):
            await draining
    assert {row.attempt for row in rows(database).values()} == {0}
    assert set(states(database).values()) == {"waiting"}


async def test_the_event_loop_goes_on_while_a_claim_waits_for_the_database(
    database: Database, queue: TaskQueue
) -> None:
    enqueue(database, queue, "a")
    with Worker(database, queue) as worker:
        with database.begin() as connection:
            connection.execute(sa.text("LOCK TABLE task IN ACCESS EXCLUSIVE MODE"))
            draining = asyncio.create_task(worker.drain(completing(database), idle_seconds=0))
            for _ in range(20):
                await asyncio.sleep(0.005)
            assert not draining.done()
        assert (await draining).completed == 1


class ForgetfulDatabase(Database):
    """Commits, and then loses the answer, when told to."""

    forget = False

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        with super().begin() as connection:
            yield connection
        if self.forget:
            self.forget = False
            raise TransientError("The server closed the connection before it answered the COMMIT")


async def test_a_claim_whose_commit_got_no_answer_is_given_back_and_made_again(database_url: str) -> None:
    database = ForgetfulDatabase(database_url)
    queue = make_queue()
    enqueue(database, queue, "a")
    with Worker(database, queue) as worker:
        database.forget = True
        assert (await worker.drain(completing(database), idle_seconds=0)).completed == 1
    row = rows(database)["a"]
    database.close()
    assert (row.token, row.attempt) == (2, 1)


async def test_a_settling_whose_commit_got_no_answer_is_not_done_twice(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain_module, "PAUSE_SECONDS", 0.0)
    database = ForgetfulDatabase(database_url)
    queue = make_queue()
    enqueue(database, queue, "a")

    async def handle(claim: Claim) -> None:
        database.forget = True
        settle_all(database, claim)

    told: list[Settled] = []
    with Worker(database, queue) as worker:
        await worker.drain(handle, idle_seconds=0, on_settled=told.extend)
    row = rows(database)["a"]
    database.close()
    assert (row.state, row.token) == ("completed", 1)
    assert [one.state for one in told] == [TaskState.COMPLETED]


async def test_a_batch_that_the_database_failed_is_done_again_uncounted_and_reported_once(
    database: Database, queue: TaskQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain_module, "PAUSE_SECONDS", 0.0)
    enqueue(database, queue, "a")

    async def handle(claim: Claim) -> None:
        with database.begin() as connection:
            claim.settle(connection, [Outcome(task) for task in claim.tasks])
            if claim.tasks[0].token == 1:
                connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

    told: list[Settled] = []
    with Worker(database, queue) as worker:
        drained = await worker.drain(handle, idle_seconds=0, on_settled=told.extend)
    assert drained == Drained(1, 0, 0, Ending.IDLE)
    assert [(one.state, one.task.token, one.task.attempt) for one in told] == [(TaskState.COMPLETED, 2, 1)]


async def test_a_worker_keeps_its_tasks_while_a_handler_blocks_the_event_loop(database: Database) -> None:
    queue = make_queue(lease_seconds=0.3)
    enqueue(database, queue, "a")
    with Worker(database, queue) as other:

        async def handle(claim: Claim) -> None:
            import time

            time.sleep(0.8)  # noqa: ASYNC251  # this is the point
            with database.begin() as connection:
                assert queue.reap(connection) == []
            settle_all(database, claim)

        with Worker(database, queue) as worker:
            assert await worker.drain(handle, idle_seconds=0) == Drained(1, 0, 0, Ending.IDLE)
        assert other.number < worker.number


async def test_a_lone_task_settled_elsewhere_is_not_settled_again(database: Database, queue: TaskQueue) -> None:
    enqueue(database, queue, "a")

    async def handle(claim: Claim) -> None:
        settle(database, queue, claim.tasks)

    with Worker(database, queue) as worker:
        assert await worker.drain(handle, idle_seconds=0) == Drained(0, 0, 0, Ending.IDLE)
    assert states(database) == {"a": "completed"}
