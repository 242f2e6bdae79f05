"""One set of definitions: each domain's, merged in the order in which things flow.

Keep out: the parts, which each domain's `defs` holds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.admin.bulk import BulkRunner
from orchestration.domains import DOMAINS, Domains
from orchestration.observability.logs import configure_logging
from orchestration.runtime.checks import check_sensors
from orchestration.runtime.maintenance import maintenance_definitions
from orchestration.runtime.requests import request_sensor
from orchestration.services import Services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.runtime.requests import RequestHandler
    from orchestration.settings import Settings


def build_definitions(
    settings: Settings, domains: Domains | None = None, names: Sequence[str] = DOMAINS
) -> dg.Definitions:
    """Everything that Dagster loads, for these settings; touches neither database nor network.

    `domains` replace those that the settings would make, so that a caller keeps hold of them. `names` are the domains
    that it is for: a command that runs jobs of one domain need not load the others.
    """
    configure_logging(settings.log_level)
    domains = domains or Domains(Services(settings))
    parts = [_definitions(name, domains) for name in names]
    handlers = [handler for name in names for handler in _request_handlers(name, domains)]
    bulk = BulkRunner(domains)
    sensors = [*check_sensors(parts), request_sensor(domains.services, handlers, parts, bulk.resume)]
    return dg.Definitions.merge(
        *parts,
        maintenance_definitions(domains.services),
        dg.Definitions(sensors=sensors, executor=dg.in_process_executor),
    )


def _definitions(name: str, domains: Domains) -> dg.Definitions:
    definitions: dg.Definitions = import_module(f"orchestration.{name}.defs").definitions(domains.named(name))
    return definitions


def _request_handlers(name: str, domains: Domains) -> Sequence[RequestHandler]:
    module = import_module(f"orchestration.{name}.defs.requests")
    handlers: Sequence[RequestHandler] = module.request_handlers(domains.named(name))
    return handlers
