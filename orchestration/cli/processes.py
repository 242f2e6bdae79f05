"""Several processes as one: started, signalled and ended together.

Their lives. Keep out: what they are, and what is shown of them (`console`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, Self

from orchestration.runtime.shutdown import FORCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import FrameType, TracebackType

_POLL_SECONDS = 0.2
_ENDING_SECONDS = 30.0
_TURN_SECONDS = 5.0


class Watcher(Protocol):
    """What hears of the processes while they run."""

    def look(self) -> None:
        """Called a few times a second."""

    def stopping(self) -> None:
        """Called once, when a signal has been passed on."""

    def ended(self, number: int, code: int) -> None:
        """Called when the command of that number has ended by itself, before the others are ended."""


class Processes:
    """Several processes, run in `folder` until one of them ends, or SIGINT or SIGTERM ends all of them.

    A signal is passed on to each with all that it started, such as Dagster's runs, which may then take their time; what
    a process leaves behind is ended after it. The last one started hears it first, since it may need the others. A
    second signal goes to all at once, unless it came with the first. When one ends by itself, the others are asked to
    end, and killed with all theirs if they do not. The block takes the signals: it must be entered in the main thread.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        self._signal: int | None = None
        self._heard_at = 0.0
        self._signalled_at: dict[int, float] = {}

    def __enter__(self) -> Self:
        # Before the first start, so that the children begin with their own handlers: a shell may have us ignore these.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for process in reversed(self._started):
            if self._signal is None:
                _end(process)
            else:
                self._pass_to(process)
                process.wait()
                _end_rest(process.pid)

    @property
    def is_ending(self) -> bool:
        """Whether a signal has arrived, or one of the processes has ended."""
        return self._signal is not None or any(process.poll() is not None for process in self._started)

    def start(self, command: Sequence[str], log: Path | None = None) -> None:
        """Start a command, unless the end has begun. What it writes is added to `log`, or goes where ours goes."""
        if not self.is_ending:
            self._started.append(_start(command, self._folder, log))

    def wait(self, watcher: Watcher | None = None) -> int:
        """Wait for the end. The exit code is that of the process that ended by itself, or after a signal the first."""
        is_heard = False
        while not (ended := self._ended()):
            if self._signal is not None:
                self._end_in_turn()
                if watcher and not is_heard:
                    watcher.stopping()
                    is_heard = True
            if watcher:
                watcher.look()
            time.sleep(_POLL_SECONDS)
        number, code = ended
        if watcher and self._signal is None:
            watcher.ended(number, code)
        return code

    def _ended(self) -> tuple[int, int] | None:
        """Number and exit code of the process whose end is everyone's."""
        if self._signal is not None and not self._started:
            return (0, 0)
        counting = self._started if self._signal is None else self._started[:1]
        codes = [(number, code) for number, process in enumerate(counting) if (code := process.poll()) is not None]
        return codes[0] if codes else None

    def _end_in_turn(self) -> None:
        """Pass the signal to those whose turn it is: the ones after them have ended, or had their time."""
        for process in reversed(self._started):
            self._pass_to(process)
            if process.poll() is None and time.monotonic() - self._signalled_at[process.pid] < _TURN_SECONDS:
                return

    def _pass_to(self, process: subprocess.Popen[bytes]) -> None:
        if self._signal is not None and process.pid not in self._signalled_at:
            self._signalled_at[process.pid] = time.monotonic()
            _signal_group(process, self._signal)

    def _hear(self, received: int, _frame: FrameType | None) -> None:
        if self._signal is None:
            self._signal, self._heard_at = received, time.monotonic()
        elif time.monotonic() - self._heard_at >= FORCE_SECONDS:
            for process in self._started:
                _signal_group(process, received)


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):  # it has ended, with all its own
        os.killpg(process.pid, number)


def _start(command: Sequence[str], folder: Path, log: Path | None) -> subprocess.Popen[bytes]:
    if log is None:
        return subprocess.Popen(command, start_new_session=True, cwd=folder)  # noqa: S603 - our own
    # The file itself and not a pipe: nothing waits for a reader, and nothing is lost when this process is killed.
    with log.open("ab") as file:
        return subprocess.Popen(  # noqa: S603 - our own
            command, start_new_session=True, cwd=folder, stdout=file, stderr=subprocess.STDOUT
        )


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
