"""Starting work: one row in the table of requests, which Dagster's sensor picks up.

    @router.post("/api/...", **ACCEPTED)
    def sync(body: Sync, work: EnqueuerWork) -> WorkRequest:
        return work.start(KIND, {"suppliers": body.suppliers}, body.request_id)

Keep out: the kinds of request, which each domain declares.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Response
from pydantic import Field
from starlette.requests import Request

from orchestration.api.access import Admin, Caller, Enqueuer
from orchestration.api.models import ApiModel, Name, example
from orchestration.observability.logs import about, get_logger
from orchestration.requests.requests import RequestState, ask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.requests.requests import RequestKind, WorkRequest
    from orchestration.services import Services

RequestId = Annotated[Name | None, Field(description="The caller's own id of it, for logs and the run")]

log = get_logger()


class WorkRequestModel(ApiModel):
    """Work that was asked for, and what happened to it."""

    model_config = example(
        id=17,
        kind="catalogue.sync",
        arguments={"suppliers": ["A23"], "full": False, "allow_mass_removal": False},
        requestedBy="api:shop",
        requestedAt="2026-02-01T08:00:00Z",
        state="completed",
        runId="6e8f6d4c-0b0e-4f5e-9f0e-2a3d1f4b5c6d",
        startedAt="2026-02-01T08:00:04Z",
        finishedAt="2026-02-01T08:01:09Z",
        result={"queued": 14},
        error=None,
        requestId="req-0001",
        httpRequestId="4f1d2c3b4a5968778695a4b3c2d1e0f0",
    )

    id: int
    kind: str
    arguments: dict[str, Any]
    requested_by: str
    requested_at: datetime
    state: RequestState
    run_id: str | None
    started_at: datetime | None
    finished_at: datetime | None
    result: dict[str, Any] | None
    error: str | None
    request_id: str | None
    http_request_id: str | None


ACCEPTED: dict[str, Any] = {"status_code": HTTPStatus.ACCEPTED, "response_model": WorkRequestModel}
"""What an endpoint that starts work passes to its decorator: 202, and the request."""


class Work:
    """Starts work in the name of the caller of one HTTP request."""

    def __init__(self, caller: Caller, request: Request, response: Response) -> None:
        self.caller = caller
        self._services: Services = request.app.state.services
        self._http_request_id: str = request.scope["request_id"]
        self._headers = response.headers

    def start(self, kind: RequestKind[Any], arguments: Mapping[str, Any], request_id: str | None = None) -> WorkRequest:
        """Ask for work; `request_id` is the caller's own id of it. The answer's `Location` is where to follow it."""
        with about(request_id=request_id), self._services.database.begin() as connection:
            asked = ask(
                connection,
                kind,
                arguments,
                requested_by=f"api:{self.caller.name}",
                request_id=request_id,
                http_request_id=self._http_request_id,
            )
            log.info("work asked for", request=asked.id, kind=kind.name)
        self._headers["Location"] = f"/api/requests/{asked.id}"
        return asked


def _enqueuer_work(caller: Enqueuer, request: Request, response: Response) -> Work:
    return Work(caller, request, response)


def _admin_work(caller: Admin, request: Request, response: Response) -> Work:
    return Work(caller, request, response)


EnqueuerWork = Annotated[Work, Depends(_enqueuer_work)]
"""A parameter of endpoints that start work, for callers of the role enqueue."""

AdminWork = Annotated[Work, Depends(_admin_work)]
"""The same for callers of the role admin."""
