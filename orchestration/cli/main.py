"""The `orchestration` command.

The commands' names, arguments and exit codes. Keep out: their work.
Exit codes: 0 done, 1 some items failed and are listed, 2 bad usage or configuration, 130 stopped by a signal.
"""

from __future__ import annotations

import re
import sys

import typer

from orchestration.cli.commands import LazyCommands, command_line
from orchestration.cli.output import BAD_USAGE, SOME_FAILED, STOPPED, note
from orchestration.errors import ConfigurationError, OrchestrationError, StoppedError

# https://www.postgresql.org/docs/current/errcodes-appendix.html: numeric value out of range, invalid row count in LIMIT
_NO_SUCH_NUMBER = {"22003", "2201W"}
# What pydantic writes before the words of a check of one's own.
_PYDANTIC = "Value error, "
# How Python gives a byte of the command line that is no text.
_SURROGATE = re.compile("[\ud800-\udfff]")

app = typer.Typer(
    cls=LazyCommands,
    name="orchestration",
    help="The asset factory: supplier catalogues in; product families, variants and mirrored images out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def main() -> None:
    """Run the command, and turn bad usage and this package's errors into one clear line."""
    try:
        sys.exit(command_line(app)(standalone_mode=False) or 0)
    except typer.TyperException as error:
        # Its message may take several lines, or none when the help has been shown instead.
        if message := " ".join(error.format_message().split()).replace(_PYDANTIC, "").rstrip("."):
            note(f"{message}. See `{_command(error)} --help`.")
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
        if problem := _database_problem(error):
            note(f"The database did not answer: {problem}")
            sys.exit(SOME_FAILED)
        if not (problem := _wrong_value(error)):
            raise
        note(f"{problem} See `orchestration --help`.")
        sys.exit(BAD_USAGE)


def _command(error: typer.TyperException) -> str:
    """The command whose help tells how it is used."""
    context = getattr(error, "ctx", None)
    return context.command_path if context else "orchestration"


def _wrong_value(error: Exception) -> str | None:
    """What no database takes, if an argument holds it: a number that is too large or small, bytes that are no text."""
    import sqlalchemy as sa

    if isinstance(error, sa.exc.DataError) and getattr(error.orig, "sqlstate", None) in _NO_SUCH_NUMBER:
        return f"A number cannot be: {' '.join(str(error.orig).split())}."
    if isinstance(error, UnicodeEncodeError) and any(_SURROGATE.search(one) for one in sys.argv):
        return "An argument is no text in UTF-8."
    return None


def _database_problem(error: BaseException | None) -> str | None:
    """What the database said, if it is behind `error`: Dagster's storage knows nothing of this package's errors."""
    import sqlalchemy as sa

    while error:
        if isinstance(error, sa.exc.OperationalError):
            return " ".join(str(error.orig).split())
        error = error.__cause__ or error.__context__
    return None
