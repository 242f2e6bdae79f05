"""`GET /n/TOKEN`: where a short link leads.

The redirect. Keep out: making short links (`notifications.short_links`).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.responses import RedirectResponse

from orchestration.api.models import PathName
from orchestration.api.problems import documented
from orchestration.api.routes import public_router
from orchestration.errors import NotFoundError
from orchestration.notifications.short_links import PATH, find_link

if TYPE_CHECKING:
    from orchestration.domains import Domains


def router(domains: Domains) -> APIRouter:
    """The redirect."""
    services = domains.services
    api = public_router("links")

    @api.get(
        f"{PATH}{{token}}",
        status_code=HTTPStatus.TEMPORARY_REDIRECT,
        response_class=RedirectResponse,
        responses=documented(HTTPStatus.NOT_FOUND),
    )
    def follow_short_link(token: PathName) -> RedirectResponse:
        """Go where the link leads; 404 for a token that nobody was given."""
        with services.database.connect() as connection:
            link = find_link(connection, token)
        if link is None:
            raise NotFoundError("This link leads nowhere; ask for a new one")
        return RedirectResponse(link)

    return api
