"""`orchestration api`, the HTTP API, and `orchestration api-keys`, who may use it.

The server's address and its logs; making, listing and revoking keys. Keep out: the routes.
"""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from typing import Annotated

import typer

from orchestration.api.keys import Role, create_key, has_keys, list_keys, revoke_key
from orchestration.cli.options import Json, open_services
from orchestration.cli.output import console, note, print_json, print_table
from orchestration.cli.ports import check_ports
from orchestration.errors import ConfigurationError
from orchestration.observability.logs import configure_logging
from orchestration.services import Services
from orchestration.settings import load_settings

API_PORT = 3001
# How long answers that are under way may take when the server is to end.
GRACEFUL_SECONDS = 10


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(api)
    keys = typer.Typer(help="The keys of the HTTP API.", no_args_is_help=True)
    for name, command in (("create", api_keys_create), ("list", api_keys_list), ("revoke", api_keys_revoke)):
        keys.command(name)(command)
    app.add_typer(keys, name="api-keys")


def api(
    host: Annotated[str, typer.Option(help="The interface to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = API_PORT,
) -> None:
    """Serve the HTTP API; without any API key on the loopback interface only."""
    import uvicorn

    from orchestration.api.access import is_loopback
    from orchestration.api.app import build_api
    from orchestration.api.punctual import PunctualProtocol

    settings = load_settings()
    with closing(Services(settings, statement_seconds=settings.api_statement_seconds)) as services:
        configure_logging(settings.log_level)
        # A database that does not answer is reported now, and not at each request.
        with services.database.connect() as connection:
            is_open = not has_keys(connection)
        if is_open and not is_loopback(host):
            raise ConfigurationError(
                f"Without API keys the API listens on the loopback interface only, not on {host}: make a key with "
                "`orchestration api-keys create NAME`, or leave --host out"
            )
        check_ports(host, {"--port": port})
        if is_open:
            note("There are no API keys: only programs on this machine may call, with every right")
        # Without an access log: the links in it would work for anybody who reads it.
        uvicorn.run(
            build_api(services),
            host=host,
            port=port,
            http=PunctualProtocol,
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
        )


def api_keys_create(
    name: Annotated[str, typer.Argument(help="Who will use it.")],
    role: Annotated[Role, typer.Option(help="What it may do; each role includes those before it.")] = Role.READ,
    as_json: Json = False,
) -> None:
    """Make a key, and show it this once."""
    with open_services() as services, services.database.begin() as connection:
        key, text = create_key(connection, name, role)
    if as_json:
        print_json({**key._asdict(), "key": text})
    else:
        console().print(text, markup=False)
        note(f"The key of {name} ({role}), which is not kept: send it as `Authorization: Bearer KEY`")


def api_keys_list(as_json: Json = False) -> None:
    """List the keys, without what makes them work."""
    with open_services() as services, services.database.connect() as connection:
        keys = list_keys(connection)
    if as_json:
        print_json([key._asdict() for key in keys])
        return
    rows = [(key.id, key.name, key.role.value, *map(_day, key[3:])) for key in keys]
    print_table("API keys", ("number", "name", "role", "made", "last used", "revoked"), rows)


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""


def api_keys_revoke(
    name: Annotated[str, typer.Argument(help="The key's name.")],
    as_json: Json = False,
) -> None:
    """End a key for good, from the next request on."""
    with open_services() as services, services.database.begin() as connection:
        key = revoke_key(connection, name)
    print_json(key._asdict()) if as_json else console().print(f"The key of {name} is revoked", markup=False)
