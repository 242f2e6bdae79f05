"""`GET /metrics` and `/api/metrics`: the figures that Prometheus scrapes.

Who may scrape, and the answer. Keep out: the figures (`metrics`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import Response

from orchestration.api.access import SCHEME, admit
from orchestration.api.keys import Role
from orchestration.api.routes import guarded_router
from orchestration.errors import DatabaseAwayError
from orchestration.metrics.exporter import Exporter

if TYPE_CHECKING:
    from typing import Any

    from fastapi import APIRouter

    from orchestration.domains import Domains

_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/plain": {"schema": {"type": "string"}, "example": "orchestration_canvas_marked_media 0.0"}},
        "description": "The text format of Prometheus 0.0.4",
    }
}


def _reader_or_outage(
    request: Request,
    _given: Annotated[HTTPAuthorizationCredentials | None, Depends(SCHEME)],
) -> None:
    """Admit readers; and anybody while nobody can be asked who they are, since then only this process is shown."""
    try:
        admit(request, [Role.READ])
    except DatabaseAwayError:
        return


def router(_domains: Domains) -> APIRouter:
    """The metrics, under the name that is usual and the one that the former system had."""
    api = guarded_router("system")

    @api.get("/metrics", responses=_ANSWER, response_class=Response, dependencies=[_ADMITS])
    @api.get("/api/metrics", responses=_ANSWER, response_class=Response, dependencies=[_ADMITS])
    def read_metrics(request: Request) -> Response:
        """Every metric of the factory and of this process; while a database is away, that it is, and the process's."""
        exporter: Exporter = request.app.state.exporter
        return Response(exporter.scrape(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return api


_ADMITS = Security(_reader_or_outage, scopes=[Role.READ.value])
