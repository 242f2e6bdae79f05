"""Workers that are really killed, or really stopped: nothing is lost, and effects happen once."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.work_queue.model import NewTask
from orchestration_tests.work_queue import worker_process
from orchestration_tests.work_queue.queues import enqueue, make_queue, rows, states, until

if TYPE_CHECKING:
    from orchestration.storage.database import Database

HOUR = 3_600.0


@pytest.fixture(autouse=True)
def effects(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("CREATE TABLE effect (key text)"))


def effects_of(database: Database) -> Counter[str]:
    with database.begin() as connection:
        return Counter(connection.execute(sa.text("SELECT key FROM effect")).scalars())


def start(database: Database, lease_seconds: float, *mode: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", worker_process.__name__, database.url, str(lease_seconds), *mode]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603  # our own module


def wait_until_it_dawdles(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "dawdling\n"


def run_until_it_survives(database: Database) -> list[int]:
    """Start worker after worker; how each of them ended."""
    codes: list[int] = []
    while not codes or codes[-1] != 0:
        assert len(codes) < 10
        with start(database, HOUR) as process:
            codes.append(process.wait())
    return codes


def test_a_poisonous_task_dies_alone_and_the_innocents_of_its_batch_are_done_once(database: Database) -> None:
    innocents = [str(n) for n in range(20)]
    enqueue(database, make_queue(), *innocents[:10], NewTask("poison", "kill"), *innocents[10:])
    codes = run_until_it_survives(database)
    assert codes == [-signal.SIGKILL] * 3 + [0]
    assert states(database) == {**dict.fromkeys(innocents, "completed"), "poison": "dead"}
    assert effects_of(database) == Counter(innocents)
    assert (rows(database)["poison"].reason, rows(database)["poison"].attempt) == ("worker died", 3)
    assert {rows(database)[key].attempt for key in innocents} == {2}


async def test_the_tasks_of_a_killed_worker_are_taken_over_at_once(database: Database) -> None:
    """Long before the lease ends: its session is gone, and its lock with it."""
    enqueue(database, make_queue(), NewTask("a", "dawdle"), "b")
    with start(database, HOUR) as process:
        wait_until_it_dawdles(process)
        process.kill()
    drained = await worker_process.drain(database, HOUR, idle_seconds=1.5)
    assert drained.completed == 2
    assert effects_of(database) == Counter("ab")
    assert {row.attempt for row in rows(database).values()} == {2}


async def test_the_tasks_of_a_stopped_worker_are_taken_over_when_its_lease_ends_and_it_is_refused_then(
    database: Database,
) -> None:
    enqueue(database, make_queue(), NewTask("a", "dawdle"), "b")
    with start(database, 1.0) as process:
        wait_until_it_dawdles(process)
        process.send_signal(signal.SIGSTOP)
        drained = await worker_process.drain(database, 1.0, idle_seconds=2.5)
        process.send_signal(signal.SIGCONT)
        assert process.wait() == 0
    assert drained.completed == 2
    assert effects_of(database) == Counter("ab")
    assert set(states(database).values()) == {"completed"}


async def test_two_workers_of_which_one_is_killed_now_and_then_lose_and_repeat_nothing(database: Database) -> None:
    wanted = [str(n) for n in range(150)]
    enqueue(database, make_queue(), *wanted[:50], NewTask("poison", "kill"), *wanted[50:])
    codes = await asyncio.gather(*(asyncio.to_thread(run_until_it_survives, database) for _ in range(2)))
    assert sum(len(ended) for ended in codes) == 3 + 2
    assert effects_of(database) == Counter(wanted)
    assert {key for key, state in states(database).items() if state != "completed"} == {"poison"}


async def test_a_kill_loses_only_what_no_round_has_written(database: Database) -> None:
    """One download hangs; whatever else its batch has done is written, and is not done again."""
    names = [str(n) for n in range(20)]
    enqueue(database, make_queue(), *names[:10], NewTask("hangs", "dawdle"), *names[10:])
    with start(database, HOUR, "rounds") as process:
        await until(lambda: list(states(database).values()).count("completed") == 20)
        process.kill()
    drained = await worker_process.drain(database, HOUR)
    assert drained.completed == 1
    assert effects_of(database) == Counter([*names, "hangs"])
    assert {key for key, row in rows(database).items() if row.attempt > 1} == {"hangs"}
