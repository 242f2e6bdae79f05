"""Where the domains meet: one set of definitions, merged in the order in which things flow.

Belongs here: which parts the product has. Does not: the parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.catalogue.defs.definitions import catalogue_definitions
from orchestration.catalogue.pipeline import Catalogue
from orchestration.observability.logs import configure_logging
from orchestration.services import Services

if TYPE_CHECKING:
    import dagster as dg

    from orchestration.settings import Settings


def build_definitions(settings: Settings, catalogue: Catalogue | None = None) -> dg.Definitions:
    """Everything that Dagster loads, for these settings; touches neither database nor network.

    `catalogue` replaces the one that the settings would make, so that a caller keeps hold of it.
    """
    configure_logging(settings.log_level)
    return catalogue_definitions(catalogue or Catalogue(Services(settings)))
