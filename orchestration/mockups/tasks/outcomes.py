"""What happened to render jobs, for those that follow a drain.

Plain data. Keep out: how it is shown.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestration.mockups.jobs.model import StoredOutput
    from orchestration.mockups.mockup_request import StageName


class Rendering(StrEnum):
    """How an attempt at a render job ended; a job is `reused` when not one of its files had to be made."""

    RENDERED = "rendered"
    REUSED = "reused"
    SKIPPED = "skipped"
    FAILED = "failed"


class RenderedJob(NamedTuple):
    """One attempt at a render job; one that is not final will be made again.

    `outputs` are all files that the job has now, `milliseconds` what this attempt took for each stage.
    """

    job_id: str
    sku: str
    outcome: Rendering
    preset: str = ""
    fabric: str = ""
    outputs: Sequence[StoredOutput] = ()
    milliseconds: Mapping[StageName, float] = {}
    problem: str = ""
    is_final: bool = True
