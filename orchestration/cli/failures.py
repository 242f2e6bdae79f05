"""Why a step of a run failed, as one line for people.

Keep out: where the line is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.errors import OrchestrationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import dagster as dg

# How the names of the errors begin that Dagster wraps around one of a step: the error itself, or its retry.
_WRAPPERS = ("Dagster", "RetryRequested")


def step_failure(event: dg.DagsterEvent) -> str:
    """Why a step failed, in the words of whoever knew the item.

    An error of this package says what was done and what to do; the one that caused it, such as a refused connection,
    does not even name the address.
    """
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return " ".join(data.user_failure_data.description.split())
    error = data.error
    while error and error.cause and (error.cls_name or "").startswith(_WRAPPERS):
        error = error.cause
    if error is None:
        return f"{event.step_key} failed"
    words = " ".join(error.message.split())
    return words.partition(": ")[2] if error.cls_name in set(_own_names(OrchestrationError)) else words


def _own_names(error: type[OrchestrationError]) -> Iterator[str]:
    yield error.__name__
    for kind in error.__subclasses__():
        yield from _own_names(kind)
