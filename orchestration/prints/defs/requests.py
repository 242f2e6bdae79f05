"""How the requests of prints are done.

Keep out: the kinds, which `prints.requests` declares for all who ask.
"""

import dagster as dg

from orchestration.prints import requests
from orchestration.prints.defs.plates import PlateConfig, plates
from orchestration.prints.defs.stl import PrintConfig, stl
from orchestration.prints.prints import Prints
from orchestration.runtime.assets import run_config
from orchestration.runtime.partition_keys import encode_key
from orchestration.runtime.requests import RequestHandler


def request_handlers(_prints: Prints) -> list[RequestHandler]:
    """One handler for each kind."""
    return [
        RequestHandler(requests.RENDER, "prints_render", run=_render),
        RequestHandler(requests.PLATES, "prints_plates", run=_make_plates),
    ]


def _render(asked: requests.Render) -> dg.RunConfig:
    keys = [encode_key(sku) for sku in asked.skus]
    return run_config(stl, PrintConfig(keys=keys, task=asked.task, force=asked.force, idle_seconds=None))


def _make_plates(asked: requests.MakePlates) -> dg.RunConfig:
    return run_config(plates, PlateConfig(skus=asked.skus, with_review=asked.with_review))
