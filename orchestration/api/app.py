"""The HTTP API: its parts, put together.

Which routers there are. Keep out: the endpoints, a module for each domain and each mechanism, and the server (`cli`).
A domain `x` joins by `orchestration/api/x.py`, whose `router(domain)` gives its endpoints.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI

from orchestration.admin import pages
from orchestration.api import documentation, health, metrics, objects, queues, requests, short_links
from orchestration.api.frame import Frame
from orchestration.api.problems import EXCEPTION_HANDLERS
from orchestration.api.rates import Rates
from orchestration.domains import DOMAINS, Domains
from orchestration.metrics.exporter import Exporter
from orchestration.metrics.traffic import Traffic

if TYPE_CHECKING:
    from fastapi import APIRouter

    from orchestration.services import Services

MECHANISMS = (queues, requests, health, metrics, objects, short_links, pages)


def build_api(services: Services, domains: Domains | None = None) -> FastAPI:
    """The API over these services; nothing is opened before the first request.

    `domains` replace those that the services would make, so that a caller keeps hold of them.
    """
    domains = domains or Domains(services)
    app = FastAPI(
        title="orchestration",
        description=documentation.DESCRIPTION,
        version=version("orchestration"),
        docs_url=None,
        redoc_url=None,
        exception_handlers=EXCEPTION_HANDLERS,
    )
    app.state.services = services
    app.state.rates = Rates(services.settings.api_requests_per_second, services.settings.api_burst)
    app.state.traffic = Traffic()
    app.state.exporter = Exporter(domains, app.state.traffic)
    app.add_middleware(Frame)
    for name in DOMAINS:
        app.include_router(_domain_router(name, domains))
    for mechanism in MECHANISMS:
        app.include_router(mechanism.router(domains))
    documentation.document(app)
    return app


def _domain_router(name: str, domains: Domains) -> APIRouter:
    router: APIRouter = import_module(f"orchestration.api.{name}").router(domains.named(name))
    return router
