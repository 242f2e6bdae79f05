"""What the queue sends to the database as text: tasks, their tokens and outcomes, errors.

How they are written, and what is refused. Keep out: statements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from orchestration.errors import InvalidInputError, TooLargeError
from orchestration.work_queue.model import NewTask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.work_queue.model import Outcome, Task
    from orchestration.work_queue.policy import Verdict

LONGEST_ERROR = 2_000
LARGEST_RESULT = 65_536

_encode = msgspec.json.Encoder().encode


class _Row(msgspec.Struct, frozen=True):
    key: str
    payload: object
    grouping: str | None
    order_key: str | None
    priority: int
    delay: float
    ageing: int


def tasks_text(tasks: Sequence[NewTask], ageing: int) -> str:
    """The tasks as a JSON array, each with the seconds of its queue's ageing."""
    return json_text(
        [_Row(one.key, one.payload, one.grouping, one.order_key, one.priority, one.delay, ageing) for one in tasks]
    )


class _Token(msgspec.Struct, frozen=True):
    id: int
    token: int


def tokens_text(tasks: Sequence[Task]) -> str:
    """The tasks by id and token as a JSON array."""
    return json_text([_Token(one.id, one.token) for one in tasks])


class _Ending(msgspec.Struct, frozen=True, omit_defaults=True):
    id: int
    token: int
    state: str
    wait: float
    reason: str | None = None
    error: str | None = None
    result: str | None = None


def outcomes_text(outcomes: Sequence[Outcome], verdicts: Sequence[Verdict]) -> str:
    """How tasks ended, and what the policy makes of each, as a JSON array; raises as `_result_text` does."""
    return json_text(
        [
            _Ending(
                one.task.id,
                one.task.token,
                verdict.state,
                verdict.wait,
                verdict.reason,
                error_text(one.error),
                _result_text(one),
            )
            for one, verdict in zip(outcomes, verdicts, strict=True)
        ]
    )


def json_text(value: object) -> str:
    """The value as JSON."""
    return _encode(value).decode()


def merge_by_key(tasks: Sequence[NewTask]) -> list[NewTask]:
    """The tasks as if they had been enqueued one by one, since one statement may not touch a row twice."""
    merged: dict[str, NewTask] = {}
    for task in tasks:
        earlier = merged.get(task.key)
        merged[task.key] = task if earlier is None else _refreshed(earlier, task)
    return list(merged.values())


def _refreshed(earlier: NewTask, later: NewTask) -> NewTask:
    return NewTask(
        key=earlier.key,
        payload=later.payload,
        grouping=later.grouping,
        order_key=earlier.order_key,
        priority=min(earlier.priority, later.priority),
        delay=min(earlier.delay, later.delay),
    )


def _result_text(outcome: Outcome) -> str | None:
    """The result as JSON; None when there is none.

    Raises `TooLargeError` for one of more than `LARGEST_RESULT` bytes, which belongs into the object store, and
    `InvalidInputError` for one with a NUL, which PostgreSQL cannot store.
    """
    if outcome.result is None:
        return None
    document = _encode(outcome.result)
    if len(document) > LARGEST_RESULT:
        raise TooLargeError(
            f"The result of the task {outcome.task.key} has {len(document)} bytes, more than {LARGEST_RESULT}; "
            "store it as an object, and leave its key"
        )
    if b"\\u0000" in document:
        raise InvalidInputError(f"The result of the task {outcome.task.key} holds a NUL character")
    return document.decode()


def error_text(error: Exception | None) -> str | None:
    """The error as PostgreSQL can store it, which takes neither NUL nor lone surrogates."""
    if error is None:
        return None
    text = f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
    return text.replace("\0", "\\x00").encode(errors="backslashreplace").decode()[:LONGEST_ERROR]


def milliseconds(seconds: float) -> str:
    """A time limit as PostgreSQL's settings write it."""
    return f"{1000 * seconds:.0f}ms"
