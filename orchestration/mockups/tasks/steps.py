"""Which steps of a mockup are done: pure functions over its outputs.

Keep out: making them (`handler`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.mockups.jobs.model import StoredOutput
from orchestration.mockups.mockup_request import Stage, StageName, stages
from orchestration.mockups.statuses import PERCENT, JobStatus
from orchestration.storage.objects import content_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestration.mockups.mockup_request import MockupRequest, Output, OutputKind
    from orchestration.mockups.tasks.request import Versions

COMPOSITES = Stage(StageName.COMPOSITES)
# Between the first view and the end, which is written when all is settled.
_RISE = 45.0


def step_of(kind: OutputKind, angle: str) -> Stage:
    """The step that makes an output."""
    return Stage(kind.stage, angle) if kind.stage is StageName.STILLS else Stage(kind.stage)


def missing_steps(request: MockupRequest, outputs: Iterable[StoredOutput]) -> list[Stage]:
    """The steps of a request whose outputs are not there, in order."""
    done = {step_of(one.kind, one.angle) for one in outputs}
    return [step for step in stages(request) if step not in done]


def progress(request: MockupRequest, outputs: Iterable[StoredOutput]) -> float:
    """How far a mockup is, in percent: at 50 with its composites, rising with each view."""
    steps, missing = stages(request), missing_steps(request, outputs)
    if COMPOSITES in missing:
        return PERCENT[JobStatus.COMPOSITING]
    views = len(steps) - 1
    return PERCENT[JobStatus.RENDERING] + _RISE * (views - len(missing)) / views


def stored(outputs: Sequence[Output], versions: Versions, folder: str) -> list[StoredOutput]:
    """What the rows of made files say."""
    return [
        StoredOutput(
            kind=one.key.kind,
            angle=one.key.angle or "",
            object_key=content_key(folder, one.sha256, one.extension),
            mime=one.mime,
            width=one.width,
            height=one.height,
            bytes=len(one.body),
            sha256=one.sha256,
            garment_version=versions.garment,
            renderer_version=versions.renderer,
            facts={**one.facts, "milliseconds": round(one.milliseconds, 1)},
        )
        for one in outputs
    ]
