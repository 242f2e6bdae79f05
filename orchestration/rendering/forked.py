"""Processes that start warm and are killed with everything that they have started.

How a process of the pool is started and ended. Keep out: what it does (`worker_process`), or how calls are shared out
(`pool`).

They are forked off a small server that has imported what they need, in milliseconds instead of seconds. Each would
begin by importing the program that started it, such as a command and all that it imports; the program is hidden from
them, since nothing that is sent is defined there.
"""

from __future__ import annotations

import shutil
import sys
import threading
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from orchestration.rendering.process_tree import kill_tree
from orchestration.rendering.worker_process import scratch_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ENDED_QUIETLY: Final = 256
"""Stands for the exit code 0, which the pool would take for an end on request."""
_OWN: Final = ("orchestration.rendering.forked", "orchestration.rendering.worker_process")
_hiding = threading.Lock()


class WarmProcess(ForkServerProcess):
    """A process of the pool; `scratch` holds the folders of its processes."""

    scratch: Path

    def start(self) -> None:
        """Start it without the program that runs here."""
        with _program_hidden():
            super().start()

    def terminate(self) -> None:
        """Kill it and everything that it has started, and remove its folder."""
        if self.pid is not None:
            end_process(self.pid, self.scratch)

    @property
    def exitcode(self) -> int | None:
        """How it ended: never by 0, since none ends by itself."""
        code = super().exitcode
        return ENDED_QUIETLY if code == 0 else code


def end_process(pid: int, scratch: Path) -> None:
    """Kill a process that runs or is dead, with everything that it has started, and remove its scratch folder."""
    kill_tree(pid)
    shutil.rmtree(scratch_of(pid, scratch), ignore_errors=True)


class WarmContext(ForkServerContext):
    """The start method. The first pool of a Python process starts the server with its preloads; others share it."""

    def __init__(self, scratch: Path) -> None:
        super().__init__()
        self._scratch = scratch
        self._started: WeakSet[WarmProcess] = WeakSet()

    def Process(self, *args: Any, **kwargs: Any) -> WarmProcess:  # type: ignore[override]  # noqa: ANN401, N802 - as its base
        """Return a process that is ready to be started."""
        process = WarmProcess(*args, **kwargs)
        process.scratch = self._scratch
        self._started.add(process)
        return process

    def kill_all(self) -> None:
        """Kill every process that was started, and everything that they have started."""
        for process in list(self._started):
            if process.is_alive():
                process.terminate()


def warm_context(preload: Sequence[str], scratch: Path) -> WarmContext:
    """Return the start method for processes that have imported the modules `preload`."""
    context = WarmContext(scratch)
    context.set_forkserver_preload(
        ["orchestration.rendering.forked", "orchestration.rendering.worker_process", *preload]
    )
    return context


@contextmanager
def _program_hidden() -> Iterator[None]:
    with _hiding:
        program = vars(sys.modules["__main__"])
        hidden = {name: program.pop(name) for name in ("__file__", "__spec__") if name in program}
        program["__spec__"] = None
        try:
            yield
        finally:
            program.update({"__spec__": None} | hidden)
