"""How the catalogue's requests are done.

Keep out: the kinds, which `catalogue.requests` declares for all who ask.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import sqlalchemy as sa

from orchestration.catalogue import requests
from orchestration.catalogue.catalogue import Catalogue
from orchestration.catalogue.defs.feed import FeedConfig, supplier_feed
from orchestration.catalogue.feed.stopping import stop_supplier
from orchestration.runtime.assets import run_config
from orchestration.runtime.partition_keys import encode_key
from orchestration.runtime.requests import RequestHandler


def request_handlers(catalogue: Catalogue) -> list[RequestHandler]:
    """One handler for each kind."""

    def stop(connection: sa.Connection, asked: requests.Stop) -> Mapping[str, Any]:
        return stop_supplier(connection, catalogue.family_queue, asked.supplier, by="a request")._asdict()

    return [
        RequestHandler(requests.SYNC, "catalogue_sync", run=_sync),
        RequestHandler(requests.STOP, act=stop),
    ]


def _sync(asked: requests.Sync) -> dg.RunConfig:
    keys = [encode_key(code) for code in asked.suppliers]
    config = FeedConfig(keys=keys, full=asked.full, allow_mass_removal=asked.allow_mass_removal)
    return run_config(supplier_feed, config)
