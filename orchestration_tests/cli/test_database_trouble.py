"""A database that has no room is one clear line, whichever connection is the one too many."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from orchestration.cli import main
from orchestration.runtime.instance import CONNECTIONS_OF_A_RUN
from orchestration.storage.database import Database, free_connections
from orchestration.storage.embedded import start_embedded_server
from orchestration.storage.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL

    from orchestration_tests.cli.conftest import Command


@pytest.fixture(scope="module")
def small_server() -> Iterator[str]:
    """A server of these tests' own, whose connections they may all take; the URL of a migrated database."""
    with tempfile.TemporaryDirectory(prefix="orchestration-tests-", ignore_cleanup_errors=True) as folder:
        yield prepared(make_url(start_embedded_server(Path(folder) / "postgres")))


def prepared(server: URL) -> str:
    """Databases that belong to a role without privileges; the URL of the one for the domains, as that role."""
    with psycopg.connect(server.render_as_string(hide_password=False), autocommit=True) as connection:
        for name in ("domain", "dagster"):
            connection.execute(f"CREATE DATABASE {name}")
        # As an operator's programs are no administrators: the reserved connections are not for them.
        connection.execute("CREATE ROLE program LOGIN")
        for name in ("domain", "dagster"):
            connection.execute(f"ALTER DATABASE {name} OWNER TO program")
    url = server.set(database="domain", username="program").render_as_string(hide_password=False)
    database = Database(url)
    migrate(database)
    database.close()
    return url


@contextmanager
def all_taken_but(url: str, left: int) -> Iterator[None]:
    """Take the server's connections until only `left` are free."""
    database = Database(url)
    with ExitStack() as stack, database.connect() as watcher:
        while (free := free_connections(watcher)) != left:
            if free > left:
                stack.enter_context(psycopg.connect(url))
            else:
                time.sleep(0.01)  # some that have been closed are still ending
        yield
    database.close()


@pytest.fixture
def crowded(small_server: str, orchestration: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command over the small server."""
    monkeypatch.setenv("ORCHESTRATION_DATABASE_URL", small_server)
    monkeypatch.setenv("ORCHESTRATION_DAGSTER_DATABASE_URL", small_server.replace("domain", "dagster"))
    return orchestration


@pytest.mark.parametrize("left", [0, 3, CONNECTIONS_OF_A_RUN - 1])
def test_a_run_that_would_lack_connections_is_not_begun(crowded: Command, small_server: str, left: int) -> None:
    with all_taken_but(small_server, left):
        ended = crowded("gallery", "drain", "--json")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert "no connections left; end other programs, or raise its max_connections" in ended.err


def test_a_command_without_a_run_needs_few(crowded: Command, small_server: str) -> None:
    with all_taken_but(small_server, 3):
        assert crowded("queue", "status", "--json").code == 0
    with all_taken_but(small_server, 0):
        ended = crowded("queue", "status", "--json")
    assert (ended.code, ended.err.count("\n")) == (2, 1)


def test_an_error_of_the_database_in_the_middle_of_a_run_is_one_line(
    disconnected: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        try:
            sa.create_engine("postgresql+psycopg://127.0.0.1:1/name").connect()
        except sa.exc.OperationalError as error:
            raise RuntimeError("too many retries for DB connection") from error  # as Dagster's storage does it

    monkeypatch.setattr(main, "command_line", lambda _: fail)
    ended = disconnected("sync")
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert ended.err.startswith("The database did not answer: ")


def test_an_error_of_the_program_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(main, "command_line", lambda _: fail)
    with pytest.raises(ZeroDivisionError):
        main.main()
