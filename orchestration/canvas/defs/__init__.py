"""The canvas in Dagster: one file a subject.

Each reads a context, calls one function of the domain, and reports. Keep out: anything else.
"""

import dagster as dg

from orchestration.canvas.canvas import Canvas
from orchestration.canvas.defs import media_gc, snapshots
from orchestration.runtime.checks import check_job

canvas_check = check_job("canvas", snapshots.CHECKS)
canvas_media_check = check_job("canvas_media", media_gc.CHECKS)


def definitions(canvas: Canvas) -> dg.Definitions:
    """Assets, checks, jobs, sensors and schedules, over this canvas."""
    return dg.Definitions.merge(
        snapshots.definitions(canvas, canvas_check),
        media_gc.definitions(canvas.media, canvas_media_check),
        dg.Definitions(jobs=[canvas_check, canvas_media_check], resources={"canvas": canvas, "media": canvas.media}),
    )
