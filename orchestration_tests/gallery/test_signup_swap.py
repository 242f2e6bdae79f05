"""The signup set is replaced whole or not at all, whoever is killed and whoever reads meanwhile."""

from __future__ import annotations

import multiprocessing
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.gallery.signup import SignupRules, refresh_signup, signup_image
from orchestration.storage.database import Database
from orchestration_tests.gallery.public_rows import public_row, publish

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

NOW = datetime(2026, 2, 1, tzinfo=UTC)
RULES = SignupRules(images=40)
REFRESHES = 25

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["orchestration_tests.gallery.test_signup_swap"])


@pytest.fixture
def filled(database: Database) -> Database:
    """A gallery with a set of its first refresh."""
    with database.begin() as connection:
        publish(connection, [public_row(number) for number in range(120)])
        refresh_signup(connection, RULES, now=NOW, random=Random(0))
    return database


def stored(database: Database) -> list[tuple[object, ...]]:
    """The whole set, in one look."""
    with database.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text("SELECT * FROM signup_image ORDER BY id"))]


def refresh_and_hang(url: str, ready: Connection) -> None:
    """Refresh, and never come to the commit; what the killed process does."""
    with Database(url).begin() as connection:
        refresh_signup(connection, RULES, now=NOW + timedelta(hours=24), random=Random(1))
        ready.send(True)
        time.sleep(60)


def test_a_refresh_that_is_killed_before_its_commit_leaves_the_old_set_whole_and_nothing_locked(
    filled: Database,
) -> None:
    before = stored(filled)
    theirs, ours = _processes.Pipe()
    process = _processes.Process(target=refresh_and_hang, args=(filled.url, theirs))
    process.start()
    assert ours.poll(30)
    assert stored(filled) == before
    process.kill()
    process.join(10)
    assert process.exitcode == -9
    assert stored(filled) == before

    with filled.begin() as connection:
        connection.execute(sa.text("SET LOCAL lock_timeout = '10s'"))  # the server may take a moment to see it gone
        refreshed = refresh_signup(connection, RULES, now=NOW + timedelta(hours=48), random=Random(2))
    assert len(refreshed.images) == RULES.images
    assert {row[-1] for row in stored(filled)} == {NOW + timedelta(hours=48)}


def test_readers_see_the_old_set_or_the_new_one_through_many_refreshes(filled: Database) -> None:
    done = threading.Event()
    seen: set[object] = set()

    def read() -> int:
        looks = 0
        while not done.is_set():
            rows = stored(filled)
            moments = {row[-1] for row in rows}
            assert len(rows) == RULES.images
            assert len(moments) == 1
            seen.update(moments)
            with filled.connect() as connection:
                assert signup_image(connection) is not None
            looks += 1
        return looks

    with ThreadPoolExecutor(3) as readers:
        reading = [readers.submit(read) for _ in range(3)]
        try:
            for number in range(1, REFRESHES + 1):
                with filled.begin() as connection:
                    now = NOW + timedelta(hours=number)
                    refresh_signup(connection, RULES, now=now, random=Random(number))
        finally:
            done.set()
        assert min(looks.result() for looks in reading) > 1
    assert len(seen) > 1


def test_refreshes_at_the_same_time_take_turns(filled: Database) -> None:
    def refresh(number: int) -> int:
        with filled.begin() as connection:
            now = NOW + timedelta(hours=number)
            return len(refresh_signup(connection, RULES, now=now, random=Random(number)).images)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(refresh, range(1, 13))) == [RULES.images] * 12
    rows = stored(filled)
    assert len(rows) == RULES.images
    assert len({row[-1] for row in rows}) == 1
