"""Render processes: kept warm, and killed when they take too long.

Belongs here: which process gets which lines, and what a killed or crashed one means for them. Does not: rendering.

The solid geometry holds Python's lock, so it runs in processes. Lines are sent a few at a time. A process
would begin by importing the program that started it, such as a command and all that it imports, in seconds; while the
pool is open, the program's file is hidden from it, since nothing that is sent is defined there. When a process is
killed or dies, each of its lines is tried alone, so that one bad line fails alone.
"""

from __future__ import annotations

import asyncio
import math
import multiprocessing
import os
import sys
import threading
from multiprocessing import connection as handles
from typing import TYPE_CHECKING

from pebble import ProcessExpired, ProcessPool

from orchestration.prints.engines.engine import EngineName
from orchestration.prints.rendering import Failed, RenderOptions, Result, make

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from orchestration.prints.request import OrderLine

    Make = Callable[[RenderOptions, Sequence[OrderLine]], list[Result]]

# Sending costs about a millisecond; a native rendering ten to sixty.
LINES_PER_CALL = 6
_PRELOADED = ["orchestration.prints.rendering"]


class RenderPool:
    """So many render processes between entering and leaving, started when the first line comes."""

    def __init__(self, options: RenderOptions, processes: int, make_lines: Make = make) -> None:
        self._options = options
        self._processes = processes
        self._make = make_lines

    def __enter__(self) -> Self:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)  # the first pool of a process starts its server; later ones share it
        self._program = vars(sys.modules["__main__"]).pop("__file__", None)
        self._pool = ProcessPool(max_workers=self._processes, initializer=_die_with_parent, context=context)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.stop()  # type: ignore[no-untyped-call]  # the library left it without annotations
        self._pool.join()
        if self._program is not None:
            vars(sys.modules["__main__"])["__file__"] = self._program

    async def make(self, lines: Sequence[OrderLine]) -> list[Result]:
        """Render the lines; what became of each, in their order."""
        size = self._chunk(len(lines))
        chunks = [lines[start : start + size] for start in range(0, len(lines), size)]
        made = await asyncio.gather(*(self._make_chunk(chunk) for chunk in chunks))
        return [result for results in made for result in results]

    def _chunk(self, count: int) -> int:
        """How many lines go together: few enough for every process to get some, and for one time limit."""
        if self._options.engine is not EngineName.NATIVE:
            return 1
        return max(1, min(LINES_PER_CALL, math.ceil(count / (2 * self._processes))))

    async def _make_chunk(self, lines: Sequence[OrderLine]) -> list[Result]:
        future = self._pool.schedule(self._make, args=(self._options, lines), timeout=self._options.seconds)
        try:
            return await asyncio.wrap_future(future)
        except TimeoutError:
            problem = f"the rendering took longer than {self._options.seconds:g} s and was killed"
        except ProcessExpired as error:
            problem = f"the process that rendered it died with the exit code {error.exitcode}"
        if len(lines) == 1:
            return [Failed(problem)]
        alone = [await self._make_chunk([line]) for line in lines]
        return [result for results in alone for result in results]


def _die_with_parent() -> None:
    """End this process when the drain dies: nobody would take its result."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent.sentinel,), daemon=True).start()


def _watch(sentinel: int) -> None:
    handles.wait([sentinel])
    os._exit(1)
