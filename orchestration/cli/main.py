"""The `orchestration` command.

Belongs here: the commands' names, arguments and exit codes. Does not: their work.
Exit codes: 0 done, 1 some items failed and are listed, 2 bad usage or configuration.
"""

from __future__ import annotations

import sys

import sqlalchemy as sa
import typer

from orchestration.cli import (
    api_commands,
    canvas_commands,
    catalogue_commands,
    demo,
    demo_load,
    gallery_commands,
    gc_commands,
    prints_commands,
    system_commands,
    up,
)
from orchestration.cli.output import BAD_USAGE, SOME_FAILED, note
from orchestration.cli.stl import stl
from orchestration.errors import ConfigurationError, OrchestrationError

app = typer.Typer(
    name="orchestration",
    help="The asset factory: supplier catalogues in; product families, variants and mirrored images out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
catalogue_commands.register(app)
system_commands.register(app)
demo.register(app)
up.register(app)
demo_load.register(app)
gallery_commands.register(app)
canvas_commands.register(app)
gc_commands.register(app)
api_commands.register(app)
prints_commands.register(app)
app.command("stl")(stl)


def main() -> None:
    """Run the command, and turn bad usage and this package's errors into one clear line."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except typer.TyperException as error:
        # Its message may take several lines, or none when the help has been shown instead.
        if message := " ".join(error.format_message().split()):
            note(f"{message} See `orchestration --help`.")
        sys.exit(BAD_USAGE)
    except ConfigurationError as error:
        note(str(error))
        sys.exit(BAD_USAGE)
    except OrchestrationError as error:
        note(str(error))
        sys.exit(SOME_FAILED)
    except sa.exc.OperationalError as error:  # Dagster's own storage, which knows nothing of our errors
        note(f"The database did not answer: {str(error.orig).strip()}")
        sys.exit(SOME_FAILED)
