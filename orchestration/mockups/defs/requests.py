"""How the requests of mockups are done.

Keep out: the kinds, which `mockups.requests` declares for all who ask.
"""

import dagster as dg

from orchestration.mockups import requests
from orchestration.mockups.defs.pictures import MockupConfig, pictures
from orchestration.mockups.mockups import Mockups
from orchestration.runtime.assets import run_config
from orchestration.runtime.partition_keys import encode_key
from orchestration.runtime.requests import RequestHandler


def request_handlers(_mockups: Mockups) -> list[RequestHandler]:
    """One handler for each kind."""
    return [RequestHandler(requests.RENDER, "mockups_render", run=_render)]


def _render(asked: requests.Render) -> dg.RunConfig:
    keys = [encode_key(sku) for sku in asked.skus]
    return run_config(pictures, MockupConfig(keys=keys, idle_seconds=None))
