"""The domains of one process, over the same services.

Belongs here: which domains there are, and what one is given of another. Does not: Dagster (`assembly`), or any work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.catalogue.pipeline import Catalogue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.services import Services
    from orchestration.work_queue.queue import TaskQueue


class Domains:
    """Every domain, ready to be asked; making them touches nothing."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.catalogue = Catalogue(services)

    @property
    def queues(self) -> Sequence[TaskQueue]:
        """Every work queue, in the order in which things flow."""
        return self.catalogue.queues
