"""Render processes for order lines.

How many lines go to a process together, and what a killed or crashed one means for them. Keep out: rendering
(`pool_process`), or starting and killing processes (`orchestration.rendering`).

Lines are sent a few at a time. When a process is killed or dies, each of its lines is tried alone, so that one bad line
fails alone.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from orchestration.prints.solid.engines.engine import EngineName
from orchestration.prints.tasks.pool_process import EngineOptions, Failed, Result, make
from orchestration.rendering.errors import RenderingError
from orchestration.rendering.pool import ProcessPool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from orchestration.prints.solid.request import OrderLine

    Make = Callable[[EngineOptions, Sequence[OrderLine]], list[Result]]

# Sending costs about a millisecond; a native rendering ten to sixty.
LINES_PER_CALL = 6
_PRELOADED = "orchestration.prints.tasks.pool_process"


class RenderPool:
    """So many render processes between entering and leaving, started when the first line comes."""

    def __init__(self, options: EngineOptions, processes: int, make_lines: Make = make) -> None:
        self._options = options
        self._processes = processes
        self._make = make_lines
        self._pool = ProcessPool(processes, preload=[_PRELOADED, make_lines.__module__])

    def __enter__(self) -> Self:
        self._pool.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.__exit__(kind, error, trace)

    async def make(self, lines: Sequence[OrderLine]) -> list[Result]:
        """Render the lines; how each ended, in their order."""
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
        names = ", ".join(f"{line.sku} {line.text!r}" for line in lines)
        try:
            return await self._pool.run(self._make, self._options, lines, item=names, seconds=self._options.seconds)
        except RenderingError as error:
            if len(lines) == 1:
                return [Failed(error.problem)]
        alone = [await self._make_chunk([line]) for line in lines]
        return [result for results in alone for result in results]
