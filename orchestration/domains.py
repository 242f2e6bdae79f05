"""The domains of one process, over the same services.

Belongs here: which domains there are, and what one is given of another. Does not: Dagster (`assembly`), or any work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.canvas.canvas import Canvas
from orchestration.canvas.media_gc.collector import MediaCollector
from orchestration.catalogue.pipeline import Catalogue
from orchestration.gallery.gallery import Gallery
from orchestration.gallery.references import MEDIA_REFERENCES
from orchestration.prints.shop import PrintShop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.services import Services
    from orchestration.work_queue.queue import TaskQueue


class Domains:
    """Every domain, ready to be asked; making them touches nothing."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.catalogue = Catalogue(services)
        self.prints = PrintShop(services)
        self.gallery = Gallery(services)
        self.canvas = Canvas(services)
        self.media = MediaCollector(services, references=MEDIA_REFERENCES)

    @property
    def queues(self) -> Sequence[TaskQueue]:
        """Every work queue, in the order in which things flow."""
        return *self.catalogue.queues, *self.prints.queues, *self.gallery.queues
