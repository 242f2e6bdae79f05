"""`orchestration api`: the HTTP API.

The server's address and its logs. Keep out: the routes.
"""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli.options import open_services
from orchestration.observability.logs import configure_logging

API_PORT = 3001


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(api)


def api(
    host: Annotated[str, typer.Option(help="The interface to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = API_PORT,
) -> None:
    """Serve the HTTP API: stored files by signed links, and a health check."""
    import uvicorn

    from orchestration.api.app import build_api

    with open_services() as services:
        configure_logging(services.settings.log_level)
        with services.database.connect():
            pass  # one that does not answer is told now, and not at each request
        # Without an access log: the links in it would work for whoever reads it.
        uvicorn.run(build_api(services), host=host, port=port, access_log=False, log_level="warning")
