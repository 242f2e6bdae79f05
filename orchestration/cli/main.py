"""The `orchestration` command.

The commands' names, arguments and exit codes. Keep out: their work.
Exit codes: 0 done, 1 some items failed and are listed, 2 bad usage or configuration, 130 stopped by a signal.
"""

from __future__ import annotations

import sys
from importlib import import_module

import sqlalchemy as sa
import typer

from orchestration.cli import api_commands, demo, demo_load, request_commands, system_commands, up
from orchestration.cli.output import BAD_USAGE, SOME_FAILED, STOPPED, note
from orchestration.cli.preview import preview
from orchestration.cli.stl import stl
from orchestration.domains import DOMAINS
from orchestration.errors import ConfigurationError, OrchestrationError, StoppedError

app = typer.Typer(
    name="orchestration",
    help="The asset factory: supplier catalogues in; product families, variants and mirrored images out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for _domain in DOMAINS:
    import_module(f"orchestration.cli.{_domain}_commands").register(app)
for _module in (system_commands, demo, up, demo_load, api_commands, request_commands):
    _module.register(app)
app.command("stl")(stl)
app.command("preview")(preview)


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
    except StoppedError as error:
        note(str(error))
        sys.exit(STOPPED)
    except OrchestrationError as error:
        note(str(error))
        sys.exit(SOME_FAILED)
    except Exception as error:
        if not (problem := _database_problem(error)):
            raise
        note(f"The database did not answer: {problem}")
        sys.exit(SOME_FAILED)


def _database_problem(error: BaseException | None) -> str | None:
    """What the database said, if it is behind `error`: Dagster's storage knows nothing of this package's errors."""
    while error:
        if isinstance(error, sa.exc.OperationalError):
            return " ".join(str(error.orig).split())
        error = error.__cause__ or error.__context__
    return None
