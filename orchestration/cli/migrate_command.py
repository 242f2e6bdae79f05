"""`orchestration migrate`: the only command that changes the schema of a database.

Migrating, going back, and waiting for another process that migrates. Keep out: the revisions (`migrate`).
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.assembly import build_definitions
from orchestration.cli.options import Json, open_services
from orchestration.cli.output import console, print_json
from orchestration.errors import ConfigurationError, TransientError
from orchestration.runtime.assets import pool_limits
from orchestration.runtime.instance import prepare_instance
from orchestration.storage.database import Database
from orchestration.storage.migrate import examine_schema

if TYPE_CHECKING:
    from orchestration.services import Services

_POLL_SECONDS = 1.0


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(migrate)


def migrate(
    to: Annotated[
        str, typer.Option(help="The revision to bring it to; an older one takes back what came after it.")
    ] = "head",
    dagster: Annotated[
        bool, typer.Option("--dagster", help="Also Dagster's own tables and pools, by DAGSTER_HOME.")
    ] = False,
    wait: Annotated[
        float | None, typer.Option(help="Change nothing: wait up to so many seconds until somebody has migrated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring the database to the schema of this version."""
    with open_services() as services:
        before, after = _wait(services, wait) if wait is not None else services.migrate(to)
        if dagster and wait is None:
            prepare_instance(services, pool_limits(build_definitions(services.settings)))
    if as_json:
        print_json({"from": before, "to": after})
    else:
        console().print(f"The schema is at {after}" + ("" if before == after else f", from {before or 'nothing'}"))


def _wait(services: Services, seconds: float) -> tuple[str | None, str | None]:
    """The revision, twice, once this version can work with it; raises why it cannot after `seconds`."""
    from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

    waiting = Retrying(
        stop=stop_after_delay(seconds),
        wait=wait_fixed(_POLL_SECONDS),
        retry=retry_if_exception_type((ConfigurationError, TransientError)),
        reraise=True,
    )
    revision: str | None = waiting(_usable_revision, services)
    return revision, revision


def _usable_revision(services: Services) -> str | None:
    with closing(Database(services.database_urls.domain)) as database, database.connect() as connection:
        state = examine_schema(connection)
    if state.problem:
        raise ConfigurationError(state.problem)
    return state.revision
