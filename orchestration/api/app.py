"""The HTTP API.

Which routes there are. Keep out: the routes, one module each, or the server (`cli`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette

from orchestration.api import gallery, health, objects, short_links
from orchestration.api.errors import EXCEPTION_HANDLERS

if TYPE_CHECKING:
    from orchestration.services import Services

ROUTES = (health.routes, gallery.routes, objects.routes, short_links.routes)


def build_api(services: Services) -> Starlette:
    """The API over these services; nothing is opened before the first request."""
    return Starlette(
        routes=[route for routes in ROUTES for route in routes(services)],
        exception_handlers=EXCEPTION_HANDLERS,
    )
