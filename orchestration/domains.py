"""The domains of one process, over the same services.

`DOMAINS` is the only list of them: definitions, queues and commands are loops over it. A domain `x` is the folder
`orchestration/x/`, whose file `x.py` holds its class, whose `defs` has `definitions(x)`, and whose commands are in
`cli/x_commands.py`. Keep out: Dagster (`assembly`), and any work.
"""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.canvas.canvas import Canvas
    from orchestration.catalogue.catalogue import Catalogue
    from orchestration.gallery.gallery import Gallery
    from orchestration.mockups.mockups import Mockups
    from orchestration.previews.previews import Previews
    from orchestration.prints.prints import Prints
    from orchestration.requests.requests import RequestKind
    from orchestration.services import Services
    from orchestration.work_queue.queue import TaskQueue

DOMAINS = ("catalogue", "prints", "mockups", "gallery", "canvas", "previews")
"""The domains' names, in the order in which things flow."""


class Domain(Protocol):
    """What every domain offers to the loops over `DOMAINS`."""

    @property
    def queues(self) -> tuple[TaskQueue, ...]:
        """Its work queues, in the order in which work flows through them."""


class Domains:
    """Every domain. Each is imported and made when it is first asked for, which touches nothing else."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @cached_property
    def catalogue(self) -> Catalogue:
        """Suppliers, families, images."""
        from orchestration.catalogue.catalogue import Catalogue

        return Catalogue(self.services)

    @cached_property
    def prints(self) -> Prints:
        """Print files of orders."""
        from orchestration.prints.prints import Prints

        return Prints(self.services)

    @cached_property
    def mockups(self) -> Mockups:
        """Rendered garments."""
        from orchestration.mockups.mockups import Mockups

        return Mockups(self.services)

    @cached_property
    def gallery(self) -> Gallery:
        """The public mirror of generations."""
        from orchestration.gallery.gallery import Gallery

        return Gallery(self.services)

    @cached_property
    def canvas(self) -> Canvas:
        """Projects and their media, also those that the gallery shows."""
        from orchestration.canvas.canvas import Canvas
        from orchestration.catalogue.families.images import SHOWN_IMAGES
        from orchestration.gallery.references import media_references, shown_images

        settings = self.services.settings
        shown = (SHOWN_IMAGES, *shown_images(settings))
        return Canvas(self.services, references=media_references(settings), shown=shown)

    @cached_property
    def previews(self) -> Previews:
        """Videos of described steps."""
        from orchestration.previews.previews import Previews

        return Previews(self.services)

    def named(self, name: str) -> Domain:
        """The domain of that name."""
        domain: Domain = getattr(self, name)
        return domain

    @property
    def queues(self) -> Sequence[TaskQueue]:
        """Every work queue, in the order in which things flow."""
        return [queue for name in DOMAINS for queue in self.named(name).queues]


def request_kinds() -> dict[str, RequestKind[Any]]:
    """Every kind of request, by its name."""
    modules = [import_module(f"orchestration.{name}.requests") for name in DOMAINS]
    return {kind.name: kind for module in modules for kind in module.KINDS}
