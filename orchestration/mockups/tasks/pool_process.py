"""What a render process does: it makes one stage of a mockup.

The engine of the process, which stays warm. Keep out: when a process is started or killed (`orchestration.rendering`),
storage, or the database.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from orchestration.mockups.maker import make_stage
from orchestration.mockups.views.engines import engine_named

if TYPE_CHECKING:
    from orchestration.mockups.mockup_request import EngineName, MockupRequest, Output, Stage
    from orchestration.mockups.views.engine import Engine, EngineOptions


def make(request: MockupRequest, stage: Stage, options: EngineOptions) -> list[Output]:
    """Make the files of a stage with the request's engine."""
    return make_stage(request, stage, _engine(request.engine, options))


@cache
def _engine(name: EngineName, options: EngineOptions) -> Engine:
    return engine_named(name, options)
