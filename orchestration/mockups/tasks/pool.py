"""The render processes of mockups: one stage of one mockup at a time in each.

Keep out: what is made there (`pool_process`), starting and killing processes (`orchestration.rendering`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.rendering.pool import ProcessPool

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from orchestration.mockups.mockup_request import MockupRequest, Output, Stage
    from orchestration.mockups.views.engine import EngineOptions

    Make = Callable[[MockupRequest, Stage, EngineOptions], list[Output]]


class StagePool:
    """So many render processes between entering and leaving; `make` is a function of a module, for one stage.

    `options` are those of the engines, `seconds` is the time limit of a stage.
    """

    def __init__(self, make: Make, processes: int, *, options: EngineOptions, seconds: float) -> None:
        self._make = make
        self._options = options
        self._seconds = seconds
        self._pool = ProcessPool(processes, preload=[make.__module__])

    def __enter__(self) -> Self:
        self._pool.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.__exit__(kind, error, trace)

    async def make(self, item: str, request: MockupRequest, stage: Stage) -> list[Output]:
        """Make the files of a stage; `item` names the job. Raises what `ProcessPool.run` raises."""
        name = " ".join([item, *filter(None, stage)])
        return await self._pool.run(self._make, request, stage, self._options, item=name, seconds=self._seconds)
