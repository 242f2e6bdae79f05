"""Requests over HTTP: the work that was asked for, and asking for any kind of it.

It holds the endpoints. Keep out: the kinds of request, which each domain declares.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from orchestration.api.access import READS
from orchestration.api.models import USUAL_PAGE, AfterNumber, Body, Limit, Name, Page, PathNumber, example, page_of
from orchestration.api.problems import documented
from orchestration.api.routes import guarded_router
from orchestration.api.work import ACCEPTED, AdminWork, RequestId, WorkRequestModel
from orchestration.domains import request_kinds
from orchestration.errors import NotFoundError
from orchestration.requests.requests import RequestState, list_requests, read_request

if TYPE_CHECKING:
    from orchestration.domains import Domains
    from orchestration.requests.requests import WorkRequest


class Asking(Body):
    """Any kind of work, with what it takes."""

    model_config = example(kind="catalogue.sync", arguments={"suppliers": ["A23"]}, requestId="req-0001")

    kind: Name
    arguments: dict[str, Any] = Field(default_factory=dict)
    request_id: RequestId = None


def router(domains: Domains) -> APIRouter:
    """The endpoints of requests."""
    services = domains.services
    api = guarded_router("requests")

    @api.get("/api/requests", response_model=Page[WorkRequestModel], dependencies=[READS])
    def read_requests(
        kind: Annotated[Name | None, Query(description="Such as `catalogue.sync`")] = None,
        state: RequestState | None = None,
        after: AfterNumber = None,
        limit: Limit = USUAL_PAGE,
    ) -> dict[str, Any]:
        """The newest requests first."""
        with services.database.connect() as connection:
            found = list_requests(connection, kind=kind, state=state, before=after, limit=limit + 1)
        return page_of(found, limit, lambda one: one.id)

    @api.get(
        "/api/requests/{number}",
        response_model=WorkRequestModel,
        dependencies=[READS],
        responses=documented(HTTPStatus.NOT_FOUND),
    )
    def read_one_request(number: PathNumber) -> WorkRequest:
        """One request, with its run and what it reported."""
        with services.database.connect() as connection:
            return read_request(connection, number)

    @api.post("/api/requests", **ACCEPTED, responses=documented(HTTPStatus.NOT_FOUND))
    def make_request(body: Asking, work: AdminWork) -> WorkRequest:
        """Ask for any kind of work; each domain has endpoints of its own for the usual ones."""
        kinds = request_kinds()
        if body.kind not in kinds:
            raise NotFoundError(f"There is no kind of request {body.kind!r}; there are {', '.join(sorted(kinds))}")
        return work.start(kinds[body.kind], body.arguments, body.request_id)

    return api
