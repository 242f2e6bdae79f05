"""A process that has imported everything and is forked for each life, since importing takes longer than most lives.

multiprocessing has such a process as well, but one for all purposes of a program: what the lives need would be
imported wherever tests fork anything. Keep out: what a life does (`lives`).
"""

from __future__ import annotations

import atexit
import os
import pickle
import signal
import struct
import subprocess
import sys
import time
import traceback
from functools import cache, partial
from typing import IO, TYPE_CHECKING, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

LONGEST_SECONDS = 180.0
_SIZE = struct.Struct("<q")
# What a process writes as its exit code that had to be ended.
_ENDED = 1_000


class Nursery:
    """Forks processes that each call a function of a module, one at a time.

    It calls another one itself first, with the same argument: to prepare what many of them need.
    """

    def __init__(self) -> None:
        command = [sys.executable, "-c", "from orchestration_tests.chaos.nursery import serve; serve()"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - our own

    def run(self, before: Callable[[T], object], function: Callable[[T], object], argument: T) -> int | None:
        """Call `before` in the nursery, and have a process call the function.

        Returns its exit code, None for one that took too long and was killed.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        call = pickle.dumps((before, function, argument))
        self._process.stdin.write(_SIZE.pack(len(call)) + call)
        self._process.stdin.flush()
        (code,) = _SIZE.unpack(self._process.stdout.read(_SIZE.size))
        return None if code == _ENDED else int(code)

    def close(self) -> None:
        """End it."""
        self._process.communicate()


@cache
def nursery() -> Nursery:
    """The one of this process, which ends with it."""
    opened = Nursery()
    atexit.register(opened.close)
    return opened


def serve() -> None:
    """Fork for each call that comes in, and answer with how it ended; what the process does."""
    import_everything()
    calls, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a life prints is no answer
    while head := calls.read(_SIZE.size):
        call = calls.read(*_SIZE.unpack(head))
        before, function, argument = pickle.loads(call)  # noqa: S301 - our own process wrote it
        before(argument)
        child = os.fork()
        if not child:
            _live(partial(function, argument), calls, answers)
        answers.write(_SIZE.pack(_wait(child)))
        answers.flush()


def import_everything() -> None:
    """Import what lives need, also what the product imports when it is used."""
    from importlib import import_module

    from orchestration.domains import DOMAINS

    names = (
        "orchestration_tests.chaos.lives", "alembic.command", "obstore.store", "pyvips", "dagster_postgres",
        "orchestration.prints.tasks.handler", "orchestration.mockups.tasks.handler",
        "orchestration.previews.jobs.handler", *(f"orchestration.{name}.defs.requests" for name in DOMAINS),
    )  # fmt: skip
    for name in names:
        import_module(name)


def _live(call: Callable[[], object], *inherited: IO[bytes]) -> NoReturn:
    for file in inherited:
        os.close(file.fileno())
    try:
        call()
    except BaseException:  # noqa: BLE001 - the process ends here, whatever it was
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _wait(child: int) -> int:
    end = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return _ENDED
