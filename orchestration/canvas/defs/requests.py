"""How the canvas's requests are done.

Keep out: the kinds, which `canvas.requests` declares for all who ask.
"""

import dagster as dg
import msgspec

from orchestration.canvas import requests
from orchestration.canvas.canvas import Canvas
from orchestration.canvas.defs.media_gc import CollectConfig, media_gc
from orchestration.canvas.defs.snapshots import SnapshotConfig, snapshots
from orchestration.runtime.assets import run_config
from orchestration.runtime.requests import RequestHandler


def request_handlers(_canvas: Canvas) -> list[RequestHandler]:
    """One handler for each kind."""
    return [
        RequestHandler(requests.SNAPSHOT, "canvas_snapshot", run=_snapshot),
        RequestHandler(requests.COLLECT, "canvas_collect", run=_collect),
    ]


def _snapshot(asked: requests.Snapshot) -> dg.RunConfig:
    return run_config(snapshots, SnapshotConfig(projects=asked.projects))


def _collect(asked: requests.Collect) -> dg.RunConfig:
    return run_config(media_gc, CollectConfig(**msgspec.structs.asdict(asked)))
