"""Where the domains meet: one set of definitions, merged in the order in which things flow.

Belongs here: which parts the product has. Does not: the parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from orchestration.canvas.defs.definitions import canvas_definitions
from orchestration.canvas.defs.media_gc import media_gc_definitions
from orchestration.catalogue.defs.definitions import catalogue_definitions
from orchestration.domains import Domains
from orchestration.gallery.defs.definitions import gallery_definitions
from orchestration.observability.logs import configure_logging
from orchestration.prints.defs.definitions import prints_definitions
from orchestration.services import Services

if TYPE_CHECKING:
    from orchestration.settings import Settings


def build_definitions(settings: Settings, domains: Domains | None = None) -> dg.Definitions:
    """Everything that Dagster loads, for these settings; touches neither database nor network.

    `domains` replace those that the settings would make, so that a caller keeps hold of them.
    """
    configure_logging(settings.log_level)
    domains = domains or Domains(Services(settings))
    return dg.Definitions.merge(
        catalogue_definitions(domains.catalogue),
        prints_definitions(domains.prints),
        gallery_definitions(domains.gallery),
        canvas_definitions(domains.canvas),
        media_gc_definitions(domains.media),
        dg.Definitions(executor=dg.in_process_executor),
    )
