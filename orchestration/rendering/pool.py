"""A pool of processes that are kept warm, and killed when a call takes too long.

Sharing calls out, time limits, and what a killed or crashed process means for its call. Keep out: what is called.

Calls that hold Python's lock or may crash run here, one at a time in each process.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import pebble

from orchestration.rendering.errors import KilledError, TimeLimitError, UnexpectedError
from orchestration.rendering.forked import ENDED_QUIETLY, end_process, warm_context
from orchestration.rendering.worker_process import Failure, begin, begun_file, packed, run_call, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

Result = TypeVar("Result")

_MOST_BREAKS: Final = 3
"""How often a call is sent again because the pool broke under it, as when an idle process was killed."""


class Worker(NamedTuple):
    """A process that works at a call, and since when."""

    pid: int
    since: datetime


class ProcessPool:
    """So many processes between entering and leaving, started when the first call comes.

    `preload` names modules that the processes are forked with, or import when they start; see `WarmContext`. For use by
    one event loop.
    """

    def __init__(self, processes: int, *, preload: Sequence[str] = ()) -> None:
        self._processes = processes
        self._preload = preload

    def __enter__(self) -> Self:
        self._scratch = Path(tempfile.mkdtemp(prefix="rendering-"))
        self._context = warm_context(self._preload, self._scratch)
        self._pool = self._opened()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    async def run(
        self, function: Callable[..., Result], *args: object, item: str, seconds: float, name: str | None = None
    ) -> Result:
        """Call a function of a module in one of the processes; `item` says what it is for.

        By its `name`, a plain file name of its own, `worker_of` finds the process that works at it.

        Its temporary files (`tempfile`) go to a folder of the process, and are removed however the call ends. The time
        limit counts from when a process begins with it.

        Raises:
            OrchestrationError: what the function raised of that kind.
            UnexpectedError: it raised anything else, also `MemoryError` and `RecursionError`.
            TimeLimitError: it took longer than `seconds`, and was killed with everything that it had started.
            KilledError: its process died.

        """
        try:
            ending = unpacked(await self._sent(packed(function, args), item, seconds, name))
        finally:
            if name:  # a process that was killed has left it
                begun_file(name, self._scratch).unlink(missing_ok=True)
        if isinstance(ending, Failure):
            raise _error(ending, item)
        value: Result = ending.value
        return value

    def worker_of(self, name: str) -> Worker | None:
        """Return which process works at the call of that name, and since when; None before and after."""
        file = begun_file(name, self._scratch)
        try:
            return Worker(int(file.read_text()), datetime.fromtimestamp(file.stat().st_mtime, UTC))
        except (FileNotFoundError, ValueError):  # it may be about to be written
            return None

    async def _sent(self, call: bytes, item: str, seconds: float, name: str | None) -> bytes:
        for _ in range(_MOST_BREAKS):
            pool = self._working()
            try:
                future = pool.schedule(run_call, args=(call, self._scratch, name), timeout=seconds)
                return await asyncio.wrap_future(future)
            except BrokenProcessPool:
                continue
            except TimeoutError:
                problem = f"the rendering took longer than {seconds:g} s and was killed"
                raise TimeLimitError(item, problem) from None
            except pebble.ProcessExpired as error:
                if error.pid is not None:  # what it had started lives on without it
                    await asyncio.to_thread(end_process, error.pid, self._scratch)
                code = 0 if error.exitcode == ENDED_QUIETLY else error.exitcode
                raise KilledError(item, f"the process that rendered it died with the exit code {code}") from None
        raise KilledError(item, f"the processes died {_MOST_BREAKS} times before one could begin with it")

    def _working(self) -> pebble.ProcessPool:
        """Return the pool, opened again if it broke."""
        if not self._pool.active:
            self._close()
            self._pool = self._opened()
        return self._pool

    def _opened(self) -> pebble.ProcessPool:
        return pebble.ProcessPool(
            max_workers=self._processes,
            initializer=begin,
            initargs=[self._scratch, self._preload],
            context=self._context,
        )

    def _close(self) -> None:
        self._pool.stop()  # type: ignore[no-untyped-call]  # the library left it without annotations
        self._context.kill_all()  # before they see that nobody listens, and leave what they have started behind
        self._pool.join()


def _error(failure: Failure, item: str) -> Exception:
    error = failure.error or UnexpectedError(item, failure.problem)
    error.add_note(f"{item}, in its process:\n{failure.trace}")
    return error
