"""Several processes as one: started, signalled and ended together.

Their lives. Keep out: what they are, and what is shown of them (`console`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import FrameType

_POLL_SECONDS = 0.2
_ENDING_SECONDS = 30.0


class Watcher(Protocol):
    """What hears of the processes while they run."""

    def look(self) -> None:
        """Called a few times a second."""

    def stopping(self) -> None:
        """Called once, when a signal has been passed on."""

    def ended(self, number: int, code: int) -> None:
        """Called when the command of that number has ended by itself, before the others are ended."""


def run_processes(
    commands: Sequence[Sequence[str]], *, folder: Path, logs: Sequence[Path] = (), watcher: Watcher | None = None
) -> int:
    """Run the commands in `folder` until one of them ends, or SIGINT or SIGTERM ends all of them.

    A signal is passed on to each, which may then take its time; what a command leaves behind, such as runs that would
    go on for an hour, is ended after it. The exit code is that of the first command. When one ends by itself, its exit
    code counts, and the others are asked to end, and killed with all theirs if they do not. What they write is added to
    the files of `logs`, one a command; without these it goes where this process writes.
    """
    started: list[subprocess.Popen[bytes]] = []
    signalled: list[int] = []

    def pass_on(received: int, _frame: FrameType | None) -> None:
        signalled.append(received)
        for process in started:
            process.send_signal(received)

    # Before the start, so that the children begin with their own handlers: a shell may have us ignore these signals.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    try:
        for place, command in enumerate(commands):
            started.append(_start(command, folder, logs[place] if logs else None))
        ended = _first_to_end(started, signalled, watcher)
    finally:
        for process in started:
            if signalled:
                process.wait()
                _end_rest(process.pid)
            else:
                _end(process)
    return started[0].returncode if signalled else ended


def _start(command: Sequence[str], folder: Path, log: Path | None) -> subprocess.Popen[bytes]:
    if log is None:
        return subprocess.Popen(command, start_new_session=True, cwd=folder)  # noqa: S603 - our own
    # The file itself and not a pipe: nothing waits for a reader, and nothing is lost when this process is killed.
    with log.open("ab") as file:
        return subprocess.Popen(  # noqa: S603 - our own
            command, start_new_session=True, cwd=folder, stdout=file, stderr=subprocess.STDOUT
        )


def _first_to_end(
    processes: Sequence[subprocess.Popen[bytes]], signalled: Sequence[int], watcher: Watcher | None
) -> int:
    is_told = False
    while True:
        for number, process in enumerate(processes):
            if (code := process.poll()) is not None:
                if watcher and not signalled:
                    watcher.ended(number, code)
                return code
        if watcher:
            if signalled and not is_told:
                watcher.stopping()
                is_told = True
            watcher.look()
        time.sleep(_POLL_SECONDS)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # it leads a session of its own
        process.wait()


def _end_rest(group: int) -> None:
    """End what an ended command has left in its session: asked first, and killed when it does not end."""
    deadline = time.monotonic() + _ENDING_SECONDS
    with suppress(ProcessLookupError):  # nothing is left
        os.killpg(group, signal.SIGTERM)
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            time.sleep(_POLL_SECONDS)
        os.killpg(group, signal.SIGKILL)
