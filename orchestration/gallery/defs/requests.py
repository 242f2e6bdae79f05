"""How the gallery's requests are done.

Keep out: the kinds, which `gallery.requests` declares for all who ask.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import sqlalchemy as sa

from orchestration.gallery import requests
from orchestration.gallery.defs.public_generations import MirrorConfig, public_generations
from orchestration.gallery.gallery import Gallery
from orchestration.gallery.takedowns import known_items, lift, takedown
from orchestration.runtime.assets import run_config
from orchestration.runtime.partition_keys import encode_key
from orchestration.runtime.requests import RequestHandler


def request_handlers(_gallery: Gallery) -> list[RequestHandler]:
    """One handler for each kind."""
    return [
        RequestHandler(requests.MIRROR, "gallery_mirror", run=_mirror),
        RequestHandler(requests.COMPARE, "gallery_check"),
        RequestHandler(requests.REPAIR, "gallery_mirror", run=_repair),
        RequestHandler(requests.REFRESH_SIGNUP, "gallery_signup"),
        RequestHandler(requests.TAKE_DOWN, act=_take_down),
        RequestHandler(requests.LIFT, act=_lift),
    ]


def _mirror(asked: requests.MirrorItems) -> dg.RunConfig:
    keys = [encode_key(history_id) for history_id in asked.ids]
    return run_config(public_generations, MirrorConfig(keys=keys, idle_seconds=None))


def _repair(_asked: requests.Nothing) -> dg.RunConfig:
    return run_config(public_generations, MirrorConfig(repair=True, idle_seconds=None))


def _take_down(connection: sa.Connection, asked: requests.TakeDown) -> Mapping[str, Any]:
    known = known_items(connection, asked.ids)
    return {"taken_down": takedown(connection, known, asked.reason), "unknown": sorted(set(asked.ids) - known)}


def _lift(connection: sa.Connection, asked: requests.Lift) -> Mapping[str, Any]:
    return {"lifted": lift(connection, asked.ids)}
