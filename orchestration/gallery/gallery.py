"""The gallery of one process: its queues, and what its parts work with. No Dagster.

Keep out: draining the queues (`drains`).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from orchestration.gallery.images.queues import image_queue, rendition_queue
from orchestration.gallery.images.store import ImageFlow
from orchestration.gallery.queues import mirror_queue
from orchestration.media.rules import HostRules

if TYPE_CHECKING:
    from orchestration.services import Services
    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue


class Gallery:
    """The gallery of one process; making it touches nothing."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.settings = services.settings
        self.mirror_queue = mirror_queue(services.settings)
        self.image_queue = image_queue(services.settings)
        self.rendition_queue = rendition_queue(services.settings)

    @property
    def queues(self) -> tuple[TaskQueue, ...]:
        """The gallery's queues, in the order in which work flows through them."""
        return self.mirror_queue, self.image_queue, self.rendition_queue

    @property
    def database(self) -> Database:
        """The domain's database."""
        return self.services.database

    @property
    def media_url(self) -> str:
        """What the addresses of image renditions begin with; a slash and the object's key follow."""
        return self.settings.public_url.rstrip("/")

    @cached_property
    def image_rules(self) -> HostRules:
        """Where images may be fetched from; raises `ConfigurationError` when an entry of the setting is no host."""
        return HostRules.for_hosts(self.settings.gallery_image_hosts, "ORCHESTRATION_GALLERY_IMAGE_HOSTS")

    @cached_property
    def image_flow(self) -> ImageFlow:
        """What follows from an image that is shown, stored or rendered."""
        return ImageFlow(
            self.image_rules, images=self.image_queue, renditions=self.rendition_queue, mirror=self.mirror_queue
        )
