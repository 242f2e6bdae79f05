"""The embedded server serves its owner, however many processes use it, and nobody else of the machine gets in."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from orchestration.errors import ConfigurationError
from orchestration.storage.embedded import start_embedded_server, stop_embedded_server
from orchestration.storage.embedded_access import NO_CAPABILITY
from orchestration.storage.postgres_process import become

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOBODY = 65534
# Capabilities that let another user pass closed folders, as those that hold this Python may be.
OVERRIDE, READ_SEARCH = 1, 2
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")

# Uses the server until it is told to end, or is killed.
USER = """
import sys
from pathlib import Path
from orchestration.storage.embedded import start_embedded_server
print(start_embedded_server(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""
# Gets a Ctrl-C at the moment in which it stops the server.
INTERRUPTED = f"""
import os, signal
from orchestration.storage import embedded
stop = embedded._stop
def stop_interrupted(directory):
    os.kill(os.getpid(), signal.SIGINT)
    stop(directory)
embedded._stop = stop_interrupted
{USER}
"""


def mode(path: Path) -> int:
    """What who may do with it."""
    return stat.S_IMODE(path.stat().st_mode)


def answers(url: str) -> bool:
    """Whether a server takes connections there."""
    try:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def as_nobody(act: Callable[[], str], capability: int = NO_CAPABILITY) -> str:
    """What a function gives, or how it fails, in a process of another user.

    With a capability it reaches this Python, wherever that is.
    """
    reading, writing = os.pipe()
    if not os.fork():
        try:
            become(NOBODY, NOBODY, capability)
            text = act()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test compares it
            text = f"{type(error).__name__}: {error}"
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    with open(reading) as pipe:  # noqa: PTH123 - a pipe has no path
        text = pipe.read()
    os.wait()
    return text


def connect(url: str) -> str:
    """Run a statement."""
    with psycopg.connect(url) as connection:
        return str(connection.execute("SELECT 'in'").fetchone())


@contextmanager
def using(directory: Path, program: str = USER) -> Iterator[subprocess.Popen[str]]:
    """A process that uses the server; killed at the end."""
    command = [sys.executable, "-c", program, str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        yield process
        process.kill()


def leave(user: subprocess.Popen[str]) -> None:
    """Have it end in order, at some time."""
    assert user.stdin
    user.stdin.close()


def url_of(user: subprocess.Popen[str]) -> str:
    """The URL that it was given, once it was."""
    assert user.stdout
    return user.stdout.readline().strip()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home that is not there yet, in a closed folder."""
    tmp_path.chmod(0o700)
    home = tmp_path / "home"
    yield home
    if (home / "postgres" / "postmaster.pid").exists():  # processes that were killed may have left it
        start_embedded_server(home / "postgres")
    stop_embedded_server(home / "postgres")


def test_no_folder_is_opened_for_the_server(home: Path) -> None:
    above = {folder: mode(folder) for folder in home.parents}
    assert answers(start_embedded_server(home / "postgres"))
    assert {folder: mode(folder) for folder in home.parents} == above
    assert (mode(home), mode(home / "postgres")) == (0o700, 0o700)


def test_a_home_that_earlier_versions_opened_is_closed(home: Path) -> None:
    start_embedded_server(home / "postgres")
    stop_embedded_server(home / "postgres")
    home.chmod(0o755)
    (home / "postgres" / "pg_hba.conf").write_text("local all all trust\n")
    assert answers(start_embedded_server(home / "postgres"))
    assert mode(home) == 0o700
    assert "trust" not in (home / "postgres" / "pg_hba.conf").read_text()


def test_a_folder_that_was_there_keeps_its_rights(home: Path) -> None:
    home.mkdir(mode=0o755)
    home.chmod(0o755)
    start_embedded_server(home / "postgres")
    # Who joins does not shut it either: the server that passed the open folder has no right to pass a closed one.
    start_embedded_server(home / "postgres")
    assert mode(home) == 0o755
    assert mode(home / "postgres") == 0o700


@needs_root
def test_no_other_user_is_let_in_even_where_a_folder_stands_open(tmp_path: Path) -> None:
    deep = tmp_path / ("long" * 30) / "postgres"
    try:
        url = start_embedded_server(deep)
        sockets = Path(url.partition("host=")[2])
        assert not sockets.is_relative_to(tmp_path)
        assert mode(sockets) == 0o700
        assert "Permission denied" in as_nobody(lambda: connect(url))
        sockets.chmod(0o777)
        (sockets / ".s.PGSQL.5432").chmod(0o777)
        assert "Peer authentication failed" in as_nobody(lambda: connect(url))
    finally:
        stop_embedded_server(deep)
    assert not sockets.exists()


@needs_root
def test_an_ordinary_user_has_a_server_too_and_root_may_join_it(home: Path) -> None:
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    directory = home / "home" / "postgres"

    def use() -> str:
        url = start_embedded_server(directory)
        said = f"{url} {connect(url)} {os.geteuid()}"
        stop_embedded_server(directory)
        return said

    url, said = as_nobody(use, READ_SEARCH).split(" ", 1)
    assert said == f"('in',) {NOBODY}"
    assert (directory.stat().st_uid, mode(directory), mode(directory.parent)) == (NOBODY, 0o700, 0o700)
    assert not answers(url)
    assert start_embedded_server(directory) == url
    assert answers(url)
    assert as_nobody(lambda: connect(url), READ_SEARCH) == "('in',)"
    stop_embedded_server(directory)


@needs_root
def test_somebody_elses_server_is_not_started(home: Path) -> None:
    start_embedded_server(home / "postgres")
    said = as_nobody(lambda: start_embedded_server(home / "postgres"), OVERRIDE)
    assert "belongs to pgserver; run as that user, or set ORCHESTRATION_HOME" in said


def test_processes_that_start_it_at_once_share_one_and_leave_none_when_they_end_at_once(home: Path) -> None:
    with ExitStack() as stack:
        users = [stack.enter_context(using(home / "postgres")) for _ in range(3)]
        (url,) = {url_of(user) for user in users}
        assert answers(url)
        for user in users:
            leave(user)
        assert [user.wait() for user in users] == [0, 0, 0]
        assert not answers(url)


def test_it_stops_with_the_last_process_that_uses_it_and_not_before(home: Path) -> None:
    directory = home / "postgres"
    url = start_embedded_server(directory)
    with using(directory) as other:
        assert url_of(other) == url
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert answers(url)
    with using(directory) as other:
        assert url_of(other) == url
        stop_embedded_server(directory)
        assert answers(url)
        other.communicate()
        assert not answers(url)


def test_a_ctrl_c_while_the_last_process_leaves_it_is_not_heard(home: Path) -> None:
    directory = home / "postgres"
    with using(directory, INTERRUPTED) as user:
        url = url_of(user)
        user.communicate()
        assert user.returncode == 0
        assert not answers(url)


def test_half_of_a_cluster_is_made_again(home: Path) -> None:
    half = home / ".postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert answers(start_embedded_server(home / "postgres"))


def test_every_machine_gets_the_same_server_whatever_the_locale_and_zone_of_its_environment(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "de_XX.ISO-8859-1")  # as a remote login brings along what the machine does not have
    monkeypatch.setenv("TZ", "Europe/Berlin")
    with psycopg.connect(start_embedded_server(home / "postgres")) as connection:
        ordered = "SELECT string_agg(word, ' ' ORDER BY word), lower('Ä') FROM unnest(ARRAY['a', 'B', 'ä']) AS word"
        assert connection.execute(ordered).fetchone() == ("B a ä", "ä")
        assert connection.execute("SHOW TimeZone").fetchone() == ("UTC",)


def test_a_folder_full_of_something_else_is_left_alone(home: Path) -> None:
    (home / "postgres").mkdir(parents=True)
    (home / "postgres" / "novel.txt").write_text("It was a dark night.")
    with pytest.raises(ConfigurationError, match="holds something that is no database"):
        start_embedded_server(home / "postgres")
    assert [one.name for one in (home / "postgres").iterdir()] == ["novel.txt"]
