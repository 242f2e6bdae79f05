"""What stands for the renderer in tests of jobs: small pictures that are told apart, and faults that a design asks for.

They run in render processes, as the renderer does. What was made is noted in the folder of the passes.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from typing import TYPE_CHECKING

from orchestration.mockups.mockup_request import DesignText, Output, OutputKey, OutputKind, StageName
from orchestration.mockups.refusals import MockupRefusedError, RefusalCode

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.mockups.mockup_request import MockupRequest, Stage
    from orchestration.mockups.views.engine import EngineOptions

FILES = {
    StageName.COMPOSITES: (OutputKind.COMPOSITE, OutputKind.PRINT_FILE),
    StageName.STILLS: (OutputKind.STILL,),
    StageName.TURNTABLES: (OutputKind.TURNTABLE, OutputKind.POSTER),
}
MADE = "made.txt"
SLOW_SECONDS = 0.3


def sketch(request: MockupRequest, stage: Stage, options: EngineOptions) -> list[Output]:
    """Small files for a stage; the text of a design may ask for trouble."""
    text = text_of(request)
    note(options.passes, f"{text} {' '.join(filter(None, stage))}")
    _trouble(text, stage)
    return [_file(request, stage, kind) for kind in FILES[stage.name]]


def sketch_slowly(request: MockupRequest, stage: Stage, options: EngineOptions) -> list[Output]:
    """As `sketch`, long enough to be interrupted."""
    outputs = sketch(request, stage, options)
    time.sleep(SLOW_SECONDS)
    return outputs


def text_of(request: MockupRequest) -> str:
    design = request.prints[0].design
    return design.text if isinstance(design, DesignText) else design.name


def note(passes: Path, line: str) -> None:
    passes.mkdir(parents=True, exist_ok=True)
    with (passes / MADE).open("a") as file:
        file.write(f"{line}\n")


def _trouble(text: str, stage: Stage) -> None:
    if text == "fault" and stage.name is StageName.STILLS:
        raise RuntimeError("the raster has a hole")
    if text == "refused":
        raise MockupRefusedError(RefusalCode.INVALID_FILE_TYPE, "the design is empty", "send the picture itself")
    if text == "killer" and stage.name is StageName.TURNTABLES:
        os.kill(os.getpid(), signal.SIGKILL)
    if text == "endless" and stage.name is StageName.STILLS:
        time.sleep(60)


def _file(request: MockupRequest, stage: Stage, kind: OutputKind) -> Output:
    angle = stage.angle if kind is OutputKind.STILL else "front" if kind is OutputKind.PRINT_FILE else None
    body = repr((request.prints, request.fabric, kind, angle)).encode()
    mime, extension = ("video/mp4", "mp4") if kind is OutputKind.TURNTABLE else ("image/png", "png")
    facts: dict[str, object] = {"checks": {"design_visible": {"passed": True, "message": ""}}}
    sha256 = hashlib.sha256(body).hexdigest()
    return Output(OutputKey(kind, angle), mime, extension, body, 64, 48, sha256, 1.5, facts)
