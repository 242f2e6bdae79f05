"""How the requests of previews are done.

Keep out: the kinds, which `previews.requests` declares for all who ask.
"""

import dagster as dg

from orchestration.previews import requests
from orchestration.previews.defs.artifacts import artifacts
from orchestration.previews.previews import Previews
from orchestration.runtime.assets import run_config
from orchestration.runtime.drains import DrainConfig
from orchestration.runtime.requests import RequestHandler


def request_handlers(_previews: Previews) -> list[RequestHandler]:
    """One handler for each kind."""
    return [RequestHandler(requests.DRAIN, "previews_render", run=_drain)]


def _drain(_asked: requests.Drain) -> dg.RunConfig:
    return run_config(artifacts, DrainConfig(idle_seconds=None))
