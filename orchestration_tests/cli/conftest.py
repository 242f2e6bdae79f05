"""The command itself, in this process, with a home, databases and a feed of the test's own."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import structlog

from orchestration.cli.main import main
from orchestration_tests.cli.feed_folder import FeedFolder
from orchestration_tests.conftest import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import URL


class Ended(NamedTuple):
    """How a command ended: its exit code, and what it wrote to standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - each command prints a document of its own
        """Standard output, which must be one JSON line and nothing else."""
        assert self.out.endswith("\n"), self.err
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)


class Command:
    """Runs `orchestration` as its entry point does. `home` is its state directory."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._monkeypatch = monkeypatch
        self._capfd = capfd

    def __call__(self, *arguments: object) -> Ended:
        self._capfd.readouterr()
        code = run_main(self._monkeypatch, *arguments)
        captured = self._capfd.readouterr()
        return Ended(code, captured.out, captured.err)


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run the entry point with these arguments; its exit code."""
    monkeypatch.setattr(sys, "argv", ["orchestration", *map(str, arguments)])
    monkeypatch.setattr(sys.modules["__main__"], "__package__", None)  # it may be started as `python -m pytest`
    with restored_environment(), pytest.raises(SystemExit) as ended:
        main()
    structlog.reset_defaults()  # it holds this command's standard error
    code = ended.value.code
    assert isinstance(code, int)
    return code


@contextmanager
def restored_environment() -> Iterator[None]:
    """Take back what a command leaves in the environment for the processes that it starts."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def set_variables(monkeypatch: pytest.MonkeyPatch, home: Path, database_url: str, dagster_url: str) -> None:
    """Set the variables of a system that shares nothing with any other."""
    for name in os.environ:
        if name.startswith(("ORCHESTRATION_", "BULLMQ_", "PROMIDATA_", "DAGSTER_")):
            monkeypatch.delenv(name)
    for name, value in {
        "ORCHESTRATION_HOME": str(home),
        "ORCHESTRATION_DATABASE_URL": database_url,
        "ORCHESTRATION_DAGSTER_DATABASE_URL": dagster_url,
        "ORCHESTRATION_FAMILY_RETRY_SECONDS": "0",
        "ORCHESTRATION_IMAGE_RETRY_SECONDS": "0",
        "ORCHESTRATION_SUPPLIER_RETRY_SECONDS": "0",
        "COLUMNS": "200",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def shared_dagster_url(server_url: URL, dagster_template: str) -> Iterator[str]:
    """A database for Dagster, which the tests share: each looks at its own runs only."""
    with fresh_database(server_url, dagster_template) as url:
        yield url


@pytest.fixture
def variables(tmp_path: Path, database_url: str, shared_dagster_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set the variables of a system of the test's own; its home."""
    set_variables(monkeypatch, tmp_path / "home", database_url, shared_dagster_url)
    return tmp_path / "home"


@pytest.fixture
def feed(variables: Path, monkeypatch: pytest.MonkeyPatch) -> FeedFolder:
    """The feed that the variables name; it lists nothing yet."""
    feed = FeedFolder(variables.parent / "feed")
    monkeypatch.setenv("PROMIDATA_BASE_URL", feed.url)
    return feed


@pytest.fixture
def disconnected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """The command where no database answers, for what must be told before one is asked."""
    set_variables(monkeypatch, tmp_path / "home", "postgresql://127.0.0.1:1/name", "postgresql://127.0.0.1:1/dagster")
    return Command(tmp_path / "home", monkeypatch, capfd)


@pytest.fixture
def orchestration(variables: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """The command."""
    return Command(variables, monkeypatch, capfd)
