"""Render processes for order lines.

What a killed or crashed process means for its line. Keep out: rendering (`pool_process`), or starting and killing
processes (`orchestration.rendering`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.prints.tasks.pool_process import EngineOptions, Failed, Result, make
from orchestration.rendering.errors import RenderingError
from orchestration.rendering.pool import ProcessPool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from orchestration.prints.solid.request import OrderLine
    from orchestration.rendering.pool import Worker

    Make = Callable[[EngineOptions, Sequence[OrderLine]], list[Result]]

_PRELOADED = "orchestration.prints.tasks.pool_process"


class RenderPool:
    """So many render processes between entering and leaving, started when the first line comes."""

    def __init__(self, options: EngineOptions, processes: int, make_lines: Make = make) -> None:
        self._options = options
        self._make = make_lines
        self._pool = ProcessPool(processes, preload=[_PRELOADED, make_lines.__module__])

    def __enter__(self) -> Self:
        self._pool.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.__exit__(kind, error, trace)

    def worker_of(self, name: str) -> Worker | None:
        """Return which process renders the line of that name, and since when; None before and after."""
        return self._pool.worker_of(name)

    async def make(self, line: OrderLine, name: str) -> Result:
        """Render a line under a name of its own, a plain file name; how it ended."""
        item, seconds = f"{line.sku} {line.text!r}", self._options.seconds
        try:
            (result,) = await self._pool.run(self._make, self._options, [line], item=item, seconds=seconds, name=name)
        except RenderingError as error:
            return Failed(error.problem)
        return result
