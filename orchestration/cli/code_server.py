"""`orchestration code-server`: what shows Dagster's daemon and UI the definitions, and starts the runs on this machine.

Where it listens, and how a run gets its process. Keep out: what it answers, which is Dagster's.

Behind `dagster api grpc`, each run is a new Python, which spends 1.5 CPU seconds on loading Dagster and the definitions
before its first step. Here it is forked from a process that has loaded them (`run_template`).
"""

from __future__ import annotations

import multiprocessing
from multiprocessing import forkserver
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestration.errors import ConfigurationError

# As in workspace.yaml: what Dagster remembers of sensors and partitions hangs on it.
LOCATION = "orchestration"
# What a run would load first, beside the definitions.
_OF_DAGSTER = (
    "dagster._grpc.impl", "dagster._core.secrets.env_file", "psycopg2.extras", "upath.implementations.local",
    "orchestration.runtime.instance_storage",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(code_server)


def code_server(
    host: Annotated[str, typer.Option(help="The interface to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 4000,
    socket: Annotated[Path | None, typer.Option(help="The socket to listen on instead.")] = None,
    log_format: Annotated[str, typer.Option(help="How Dagster logs: colored, json or rich.")] = "colored",
    log_level: Annotated[str, typer.Option(help="From which level on Dagster logs.")] = "info",
) -> None:
    """Serve the definitions to Dagster's daemon and UI, and run what they launch."""
    from dagster._cli.api import grpc_command
    from dagster._grpc import server

    _limit_pools()

    class ForkingServer(server.DagsterApiServer):
        """Dagster's server with another start method for runs; Dagster has no option for it."""

        def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as its base
            super().__init__(*args, **options)
            self._mp_ctx = multiprocessing.get_context("forkserver")  # type: ignore[assignment]
            self._mp_ctx.set_forkserver_preload([*_OF_DAGSTER, "orchestration.cli.run_template"])
            # The first run need not wait for it to load.
            forkserver.ensure_running()

    server.DagsterApiServer = ForkingServer  # type: ignore[misc]
    where = ["--socket", str(socket)] if socket else ["--host", host, "--port", str(port)]
    code = ["--module-name", "orchestration.definitions", "--location-name", LOCATION]
    grpc_command.main([*where, *code, "--log-format", log_format, "--log-level", log_level], standalone_mode=False)


def _limit_pools() -> None:
    """Set the limits of this version's pools: the definitions are loaded for the server anyway."""
    import dagster as dg

    from orchestration.definitions import defs
    from orchestration.runtime.assets import pool_limits
    from orchestration.runtime.instance import is_prepared, limit_pools
    from orchestration.runtime.instance_storage import REMEDY
    from orchestration.settings import load_settings

    if not is_prepared():
        raise ConfigurationError(REMEDY)
    with dg.DagsterInstance.get() as instance:
        limit_pools(instance, pool_limits(defs), load_settings().pool_sizes)
