"""Requests: asking for work, and what happened to it.

Commands and the API write rows; Dagster's sensor picks them up, launches the runs, and writes the results back. So
who asks needs no Dagster, and a request outlives every process. Keep out: the sensor (`runtime.requests`), and the
kinds of request, which each domain declares.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
import sqlalchemy as sa

from orchestration.errors import InvalidInputError, NotFoundError
from orchestration.requests.tables import work_request
from orchestration.wire_types import prepared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

A = TypeVar("A", bound=msgspec.Struct)

LONGEST_ERROR = 2_000
PAGE = 100


class RequestState(StrEnum):
    """How far a request has come: its run is found once it is started."""

    WAITING = "waiting"
    STARTED = "started"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RequestKind(Generic[A]):
    """A kind of work that can be asked for. `name` is `domain.verb`; `arguments` is the type of what it takes."""

    name: str
    arguments: type[A]
    description: str

    def __post_init__(self) -> None:
        prepared(self.arguments)

    def parse(self, arguments: Mapping[str, Any]) -> A:
        """Read arguments as JSON has them; raises `InvalidInputError` that names the place that does not fit."""
        try:
            return msgspec.convert(arguments, self.arguments)
        except msgspec.ValidationError as error:
            raise InvalidInputError(f"{self.name}: {error}; it takes {self._takes()}") from error

    def _takes(self) -> str:
        return ", ".join(field.encode_name for field in msgspec.structs.fields(self.arguments)) or "no arguments"


@dataclass(frozen=True, slots=True)
class WorkRequest:
    """A request as its row has it; `result` is what the work reported, `error` why it failed."""

    id: int
    kind: str
    arguments: dict[str, Any]
    requested_by: str
    requested_at: datetime
    state: RequestState
    run_id: str | None
    started_at: datetime | None
    finished_at: datetime | None
    result: dict[str, Any] | None
    error: str | None
    request_id: str | None
    http_request_id: str | None


def ask(
    connection: sa.Connection,
    kind: RequestKind[A],
    arguments: Mapping[str, Any],
    *,
    requested_by: str,
    request_id: str | None = None,
    http_request_id: str | None = None,
) -> WorkRequest:
    """Ask for work; raises `InvalidInputError` when the arguments do not fit the kind.

    `request_id` is the caller's own id of it, `http_request_id` that of the HTTP request; both go along to the run.
    """
    parsed = kind.parse(arguments)
    row = {
        "kind": kind.name,
        "arguments": msgspec.to_builtins(parsed),
        "requested_by": requested_by,
        "request_id": request_id,
        "http_request_id": http_request_id,
    }
    return _request(connection.execute(sa.insert(work_request).values(row).returning(work_request)).mappings().one())


def read_request(connection: sa.Connection, request_id: int) -> WorkRequest:
    """The request of that number; raises `NotFoundError`."""
    found = connection.execute(sa.select(work_request).where(work_request.c.id == request_id)).mappings().one_or_none()
    if found is None:
        raise NotFoundError(f"There is no request {request_id}; `orchestration requests list` shows their numbers")
    return _request(found)


def list_requests(
    connection: sa.Connection,
    *,
    kind: str | None = None,
    state: RequestState | None = None,
    before: int | None = None,
    limit: int = PAGE,
) -> list[WorkRequest]:
    """The newest requests, of one kind, in one state, and with numbers below `before`, if those are given."""
    statement = sa.select(work_request).order_by(work_request.c.id.desc()).limit(limit)
    if kind is not None:
        statement = statement.where(work_request.c.kind == kind)
    if state is not None:
        statement = statement.where(work_request.c.state == state)
    if before is not None:
        statement = statement.where(work_request.c.id < before)
    return [_request(row) for row in connection.execute(statement).mappings()]


def request_lines(
    connection: sa.Connection,
    *,
    kind: str | None = None,
    state: str | None = None,
    before: int | None = None,
    limit: int = PAGE,
) -> list[sa.RowMapping]:
    """As `list_requests`, without what was asked for and reported, which may be large."""
    statement = sa.select(*_LINE).order_by(work_request.c.id.desc()).limit(limit)
    for column, value in ((work_request.c.kind, kind), (work_request.c.state, state)):
        if value is not None:
            statement = statement.where(column == value)
    if before is not None:
        statement = statement.where(work_request.c.id < before)
    return list(connection.execute(statement).mappings())


_LINE = [column for column in work_request.c if column.name not in {"arguments", "result"}]


def take(connection: sa.Connection, states: Sequence[RequestState], after: int) -> WorkRequest | None:
    """Lock the first request after that number in one of `states` until the transaction ends; None without one."""
    statement = (
        sa.select(work_request)
        .where(work_request.c.state.in_(states), work_request.c.id > after)
        .order_by(work_request.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = connection.execute(statement).mappings().one_or_none()
    return _request(row) if row else None


def mark_started(connection: sa.Connection, request_id: int, run_id: str) -> None:
    """Note the run that does the work."""
    values = {"state": RequestState.STARTED, "run_id": run_id, "started_at": sa.func.now()}
    _update(connection, request_id, values)


def mark_completed(connection: sa.Connection, request_id: int, result: Mapping[str, Any]) -> None:
    """Note what the work reported."""
    _update(
        connection, request_id,
        {"state": RequestState.COMPLETED, "result": dict(result), "finished_at": sa.func.now()},
    )  # fmt: skip


def mark_failed(connection: sa.Connection, request_id: int, error: str, result: Mapping[str, Any]) -> None:
    """Note why the work failed, and what it reported all the same."""
    text = error.replace("\0", "\\x00")[:LONGEST_ERROR]
    _update(
        connection, request_id,
        {"state": RequestState.FAILED, "error": text, "result": dict(result), "finished_at": sa.func.now()},
    )  # fmt: skip


def _update(connection: sa.Connection, request_id: int, values: Mapping[str, object]) -> None:
    connection.execute(sa.update(work_request).where(work_request.c.id == request_id).values(values))


def _request(row: sa.RowMapping) -> WorkRequest:
    return WorkRequest(**{**row, "state": RequestState(row["state"])})
