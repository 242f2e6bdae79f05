"""`GET /healthz`: whether this process can do its work.

What the API itself needs. Keep out: what stands wrong in a domain, which asset checks tell.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse
from starlette.routing import Route

from orchestration.storage.migrate import current_revision, head_revision, schema_problem

if TYPE_CHECKING:
    from starlette.requests import Request

    from orchestration.services import Services


def routes(services: Services) -> list[Route]:
    """The health check: 200 when the database answers and has the schema that this version needs, else 503."""

    def healthz(_: Request) -> JSONResponse:
        with services.database.begin() as connection:
            revision = current_revision(connection)
        state = {"status": "ok", "schema": revision}
        if revision == head_revision():
            return JSONResponse(state)
        failed = {**state, "status": "failed", "error": schema_problem(revision)}
        return JSONResponse(failed, HTTPStatus.SERVICE_UNAVAILABLE)

    return [Route("/healthz", healthz)]
