"""What processes of the pool run in the tests: good calls, and every kind of bad one.

Functions that are sent to a process. Keep out: expectations.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

from orchestration.errors import PermanentError

FOR_EVER = 3_600


def double(number: int) -> int:
    return 2 * number


def keep_a_file(note: str) -> str:
    """Leave a temporary file behind, and its path in the file `note`."""
    handle, path = tempfile.mkstemp()
    os.close(handle)
    Path(note).write_text(path)
    return path


def start_a_family(note: str) -> None:
    """Start a child that starts a grandchild, and one in a session of its own; their ids go into the file `note`."""
    apart = subprocess.Popen(["sleep", str(FOR_EVER)], start_new_session=True)  # noqa: S603, S607
    _write(note, [os.getpid(), *_child_and_grandchild(), apart.pid])


def _child_and_grandchild() -> list[int]:
    command = f"sleep {FOR_EVER} & echo $!; wait"
    child = subprocess.Popen(["sh", "-c", command], stdout=subprocess.PIPE)  # noqa: S603, S607
    assert child.stdout is not None
    return [child.pid, int(child.stdout.readline())]


def _write(note: str, pids: list[int]) -> None:
    """Write the file whole, for somebody who waits for it."""
    Path(f"{note}.part").write_text(json.dumps(pids))
    Path(f"{note}.part").rename(note)


def hang(note: str) -> NoReturn:
    """Never end, as an engine with a solid that is too much for it."""
    keep_a_file(f"{note}.scratch")
    start_a_family(note)
    time.sleep(FOR_EVER)
    raise AssertionError


def exit_at_once(code: int) -> NoReturn:
    """End the process, as a library with a fault does."""
    os._exit(code)


def be_killed(note: str) -> None:
    """Be killed, as by a system that has run out of memory, with children alive."""
    keep_a_file(f"{note}.scratch")
    _write(note, [os.getpid(), *_child_and_grandchild()])
    os.kill(os.getpid(), signal.SIGKILL)


def want_too_much_memory() -> int:
    return len(bytearray(2**62))


def recurse_too_deep() -> object:
    return json.loads("[" * 100_000)


def return_too_deep() -> list[object]:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    return nested


def return_a_function() -> object:
    return lambda: None


def ask_to_exit() -> NoReturn:
    sys.exit(0)


class StubbornError(PermanentError):
    """An error that cannot be sent: it is made of one value and pickled as another."""

    def __init__(self, *, word: str) -> None:
        super().__init__(f"no {word}")


def fail(word: str) -> NoReturn:
    raise PermanentError(f"no {word}")


def fail_stubbornly(word: str) -> NoReturn:
    raise StubbornError(word=word)


def imported_program() -> str | None:
    """The file of the program that the process has imported, as one that is started without care does."""
    return getattr(sys.modules["__main__"], "__file__", None)


def own_pid() -> int:
    return os.getpid()
