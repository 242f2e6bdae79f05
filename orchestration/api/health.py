"""`GET /healthz`: whether this process can do its work.

What the API itself needs. Keep out: what stands wrong in a domain, which asset checks tell.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Response
from pydantic import Field

from orchestration.api.models import ApiModel, example
from orchestration.api.routes import public_router
from orchestration.errors import OrchestrationError
from orchestration.storage.migrate import examine_schema

if TYPE_CHECKING:
    from orchestration.domains import Domains
    from orchestration.services import Services


class Health(ApiModel):
    """The state of this process."""

    model_config = example(status="ok", schema="0014")

    status: str
    schema_: str | None = Field(None, alias="schema")
    error: str | None = None


_FAILED: dict[int | str, dict[str, Any]] = {503: {"model": Health, "description": "It cannot do its work"}}


def router(domains: Domains) -> APIRouter:
    """The health check."""
    services = domains.services
    api = public_router("system")

    @api.get("/healthz", response_model_exclude_none=True, responses=_FAILED)
    def healthz(response: Response) -> Health:
        """200 when the database answers and has the schema that this version needs, else 503."""
        health = _examine(services)
        if health.error:
            response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return health

    return api


def _examine(services: Services) -> Health:
    try:
        with services.database.begin() as connection:
            schema = examine_schema(connection)
    except OrchestrationError as error:
        return Health(status="failed", error=str(error))
    return Health(status="failed" if schema.problem else "ok", schema=schema.revision, error=schema.problem)
