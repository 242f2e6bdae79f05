"""What a render process does: it makes one stage of a mockup.

The engine of the process, which stays warm. Keep out: when a process is started or killed (`orchestration.rendering`),
storage, or the database.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from orchestration.mockups.maker import make_stage
from orchestration.mockups.views.renderer import Renderer

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.mockups.mockup_request import MockupRequest, Output, Stage


def make(request: MockupRequest, stage: Stage, passes: Path) -> list[Output]:
    """Make the files of a stage, with the passes of garments that are kept in the folder `passes`."""
    return make_stage(request, stage, _renderer(passes))


@cache
def _renderer(passes: Path) -> Renderer:
    return Renderer(passes)
