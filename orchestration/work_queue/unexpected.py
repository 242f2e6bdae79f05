"""Errors that nobody foresaw, as the outcome of the one task that caused them.

It names the type, the place and the message for the dead letter. Keep out: finding out which task it was;
`claim_runner` and `rounds` do that.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import orchestration
from orchestration.errors import OrchestrationError, PermanentError
from orchestration.storage.database import is_database_error, sqlstate
from orchestration.work_queue.model import StaleClaimError

if TYPE_CHECKING:
    from orchestration.work_queue.model import Task

# A key may itself be what the database refuses, as a URL of many kilobytes.
LONGEST_KEY = 200

# SQLSTATE classes of a value that does not fit: data exception, constraint violation, program limit exceeded.
_REFUSED_CLASSES = ("22", "23", "54")
# Of those, what another attempt may get past, since other rows decide: foreign key, unique and exclusion violations.
_PASSING_STATES = ("23503", "23505", "23P01")

# What one task asks for may be too much, though the database is there: out of memory, a configured limit (such as
# temp_file_limit) exceeded, query cancelled (such as by statement_timeout).
_TOO_MUCH_STATES = ("53200", "53400", "57014")

_PACKAGE = Path(orchestration.__file__).parent
# The callers of every handler. An error that passed no other file of this package happened outside of it.
_CALLERS = {_PACKAGE / "work_queue" / name for name in ("claim_runner.py", "rounds.py")}


class UnexpectedError(OrchestrationError):
    """An error that is neither permanent nor transient by type: the task is tried again as its queue's policy says."""


def is_interruption(error: BaseException) -> bool:
    """Whether no task is to blame: the database was away or kept a row locked, or the claim was lost."""
    if isinstance(error, StaleClaimError):
        return True
    return is_database_error(error) and sqlstate(error) not in _TOO_MUCH_STATES


def unexpected(task: Task, error: Exception) -> OrchestrationError:
    """The error as the outcome of `task`: itself if it is one of this package's, else with its type and its place.

    A value that the database refuses stays refused, so that is a `PermanentError`.
    """
    if isinstance(error, OrchestrationError):
        return error
    state = sqlstate(error) or ""
    if state.startswith(_REFUSED_CLASSES) and state not in _PASSING_STATES:
        cause = getattr(error, "orig", error)
        reason = str(cause).partition("\n")[0]
        return PermanentError(f"The database refuses {task.key[:LONGEST_KEY]}: {type(cause).__name__}: {reason}")
    return UnexpectedError(f"{type(error).__name__} in {_place(error)}: {_message(error)}")


def _place(error: Exception) -> str:
    """The innermost line of this package that the error passed, or else the innermost line of all."""
    frames = traceback.extract_tb(error.__traceback__)
    paths = [Path(frame.filename) for frame in frames]
    ours = [n for n, path in enumerate(paths) if path.is_relative_to(_PACKAGE) and path not in _CALLERS]
    if not frames:
        return "an unknown place"
    frame, path = (frames[ours[-1]], paths[ours[-1]]) if ours else (frames[-1], paths[-1])
    name = path.relative_to(_PACKAGE).as_posix() if ours else path.name
    return f"{name}:{frame.lineno} ({frame.name})"


def _message(error: Exception) -> str:
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 - an error may hold what broke the task, such as a structure too deep
        return f"its message is lost to {type(failure).__name__}"
