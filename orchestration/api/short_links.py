"""`GET /n/TOKEN`: where a short link leads.

The redirect. Keep out: making short links (`notifications.short_links`).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.routing import Route

from orchestration.notifications.short_links import PATH, find_link

if TYPE_CHECKING:
    from starlette.requests import Request

    from orchestration.services import Services


def routes(services: Services) -> list[Route]:
    """The redirect; 404 for a token that nobody was given."""

    def follow(request: Request) -> RedirectResponse:
        with services.database.connect() as connection:
            link = find_link(connection, request.path_params["token"])
        if link is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "This link leads nowhere; ask for a new one")
        return RedirectResponse(link, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})

    return [Route(f"{PATH}{{token}}", follow)]
