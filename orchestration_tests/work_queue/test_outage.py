"""A database that goes away while a drain runs: nothing is lost, nothing is done twice, nothing crashes."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from orchestration.storage.database import Database
from orchestration.storage.migrate import migrate
from orchestration.work_queue import claim_runner
from orchestration.work_queue.options import DrainResult, StopReason
from orchestration.work_queue.worker import Worker
from orchestration_tests.conftest import run_on_server
from orchestration_tests.server import running_server
from orchestration_tests.work_queue.queues import (
    drain,
    enqueue,
    make_queue,
    states,
)
from orchestration_tests.work_queue.worker_process import leave_effects

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from sqlalchemy.engine import URL

    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Settled

WANTED = [str(n) for n in range(300)]


@pytest.fixture(autouse=True)
def short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim_runner, "PAUSE_SECONDS", 0.05)


async def drain_through(database: Database, disturb: Callable[[], Awaitable[None]]) -> DrainResult:
    """Drain 300 tasks in batches of 5, disturbed from the start."""
    queue = make_queue(wait=0, batch=5)
    enqueue(database, queue, *WANTED)
    with database.begin() as connection:
        connection.execute(sa.text("CREATE TABLE effect (key text)"))

    async def handle(claim: Claim[Settled]) -> None:
        await asyncio.sleep(0.01)
        await asyncio.to_thread(leave_effects, claim)

    def nothing_left() -> bool:
        with database.begin() as connection:
            counts = queue.counts(connection)
        return counts.waiting + counts.active + counts.delayed == 0

    with Worker(database, queue) as worker:
        drained, _ = await asyncio.gather(drain(worker, handle, until=nothing_left, concurrency=2), disturb())
    return drained


def assert_all_done_once(database: Database) -> None:
    assert set(states(database).values()) == {"completed"}
    with database.begin() as connection:
        effects = Counter(connection.execute(sa.text("SELECT key FROM effect")).scalars())
    assert effects == Counter(WANTED)


async def test_sessions_that_are_ended_again_and_again_lose_nothing(database: Database, server_url: URL) -> None:
    name = make_url(database.url).database

    async def disturb() -> None:
        for _ in range(5):
            await asyncio.sleep(0.15)
            await asyncio.to_thread(end_sessions, server_url, name)

    drained = await drain_through(database, disturb)
    assert (drained.reason, drained.dead) == (StopReason.DONE, 0)
    assert_all_done_once(database)


async def test_a_database_that_refuses_connections_for_a_while_is_waited_for(
    database: Database, server_url: URL
) -> None:
    name = make_url(database.url).database

    async def disturb() -> None:
        await asyncio.sleep(0.2)
        await asyncio.to_thread(run_on_server, server_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await asyncio.to_thread(end_sessions, server_url, name)
        await asyncio.sleep(1.5)
        await asyncio.to_thread(run_on_server, server_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    drained = await drain_through(database, disturb)
    assert (drained.reason, drained.dead) == (StopReason.DONE, 0)
    assert_all_done_once(database)


@pytest.fixture
def lone_database() -> Iterator[Database]:
    """A migrated database on a server that no other test uses."""
    with running_server() as url:
        database = Database(url)
        migrate(database)
        yield database
        database.close()


async def test_a_server_that_crashes_and_recovers_has_lost_nothing(lone_database: Database) -> None:
    """When one backend is killed, the server ends all sessions and replays its log."""

    async def disturb() -> None:
        await asyncio.sleep(0.2)
        with lone_database.begin() as connection:
            backend = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
        os.kill(backend, signal.SIGKILL)

    drained = await drain_through(lone_database, disturb)
    assert (drained.reason, drained.dead) == (StopReason.DONE, 0)
    assert_all_done_once(lone_database)


async def test_a_drain_ends_in_time_though_the_database_stays_away(database: Database, server_url: URL) -> None:
    name = make_url(database.url).database
    queue = make_queue()
    with Worker(database, queue) as worker:
        run_on_server(server_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        end_sessions(server_url, name)

        async def handle(claim: Claim[Settled]) -> None:
            raise AssertionError(claim)

        assert (await drain(worker, handle, max_seconds=0.5)).reason is StopReason.TIME
        run_on_server(server_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def end_sessions(server: URL, name: str | None) -> None:
    sessions = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608  # ours
    run_on_server(server, sessions)
