"""`orchestration env`: the variables by which Dagster's own commands find this instance.

    eval "$(orchestration env)"
    dagster dev

Keep out: what the variables are (`runtime.instance`).
"""

from __future__ import annotations

import shlex
import sys

import typer

from orchestration.assembly import build_definitions
from orchestration.cli.options import Json, open_services
from orchestration.cli.output import note, print_json
from orchestration.runtime.assets import pool_limits
from orchestration.runtime.instance import open_instance, shell_environment


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(env)


def env(as_json: Json = False) -> None:
    """Print the variables of this instance for a shell: eval "$(orchestration env)"; secrets are among them."""
    with open_services() as services:
        variables = shell_environment(services)
        # Its tables and its pools are there afterwards, whichever of Dagster's commands comes first.
        with services.database.connect(), open_instance(services, pool_limits(build_definitions(services.settings))):
            pass
    if as_json:
        print_json(variables)
        return
    for name, value in variables.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    if sys.stdout.isatty():
        note('Nothing is set by printing it: eval "$(orchestration env)"')
