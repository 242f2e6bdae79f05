"""The commands of requests: asking for work that Dagster does, and looking at what happened to it.

Arguments, and what is printed. Keep out: the kinds of request, which each domain declares.
"""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from typing import Annotated

import typer

from orchestration.cli.options import Json, open_services
from orchestration.cli.output import SOME_FAILED, console, note, print_json, print_table
from orchestration.domains import request_kinds
from orchestration.errors import ConfigurationError
from orchestration.requests.requests import RequestState, ask, list_requests, read_request


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    group = typer.Typer(help="Work that is asked for, and done by Dagster.", no_args_is_help=True)
    for name, command in (("make", requests_make), ("list", requests_list), ("show", requests_show)):
        group.command(name)(command)
    app.add_typer(group, name="requests")


def requests_make(
    kind: Annotated[str, typer.Argument(help="Such as catalogue.sync.")],
    arguments: Annotated[str, typer.Argument(help="What it takes, as a JSON object.")] = "{}",
    requested_by: Annotated[str | None, typer.Option("--by", help="In whose name; the user's without it.")] = None,
    as_json: Json = False,
) -> None:
    """Ask for work; the sensor of a running system picks it up within seconds."""
    kinds = request_kinds()
    if kind not in kinds:
        raise ConfigurationError(f"There is no kind of request {kind!r}; there are {', '.join(sorted(kinds))}")
    try:
        values = json.loads(arguments)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"The arguments are no JSON: {error}") from error
    if not isinstance(values, dict):
        raise ConfigurationError("The arguments are no JSON object")
    with open_services() as services, services.database.begin() as connection:
        request = ask(connection, kinds[kind], values, requested_by=requested_by or getpass.getuser())
    if as_json:
        print_json(asdict(request))
    else:
        console().print(f"Request {request.id}: {kind}; `orchestration requests show {request.id}` follows it")


def requests_list(
    kind: Annotated[str | None, typer.Option(help="Only of this kind.")] = None,
    state: Annotated[RequestState | None, typer.Option(help="Only in this state.")] = None,
    as_json: Json = False,
) -> None:
    """List the newest requests."""
    with open_services() as services, services.database.connect() as connection:
        found = list_requests(connection, kind=kind, state=state)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [
        (one.id, one.kind, one.state.value, one.requested_by, f"{one.requested_at:%F %T}", one.error) for one in found
    ]
    print_table("Requests", ("number", "kind", "state", "by", "at (UTC)", "error"), rows)


def requests_show(number: Annotated[int, typer.Argument(help="The request's number.")], as_json: Json = False) -> int:
    """Show one request, with its run and what it reported; 1 when it failed."""
    with open_services() as services, services.database.connect() as connection:
        request = read_request(connection, number)
    if as_json:
        print_json(asdict(request))
    else:
        shown = {**asdict(request), **(request.result or {})}
        print_table(
            f"Request {number}", ("what", "value"), [(name, value) for name, value in shown.items() if name != "result"]
        )
    if request.error:
        note(request.error)
    return SOME_FAILED if request.state is RequestState.FAILED else 0
