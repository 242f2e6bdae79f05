"""The log of operations of a project: appending to it, reading it, undoing what it says.

One writer at a time for each project, an index without gaps, each request done once. Keep out: what an
operation does (`operations`), or going back to an earlier state (`restore`).

A project's row is locked first, so its operations come one after another, and the same request sent twice at the same
time finds the first one's operation. Operations and the elements that they lead to are written in one transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import sqlalchemy as sa

from orchestration.canvas.elements import read_named, refuse_rings, write_elements
from orchestration.canvas.model import Operation, OperationType, clean, plain
from orchestration.canvas.operations import apply, needed, settle, with_members
from orchestration.canvas.projects import lock_project
from orchestration.canvas.tables import canvas_operation
from orchestration.errors import InvalidInputError, NotFoundError, PermanentError
from orchestration.storage import bulk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from orchestration.canvas.model import Element
    from orchestration.canvas.projects import Project

PAGE = 100


class NewOperation(NamedTuple):
    """An operation that is to be applied, and whose it is. `request_id` makes it happen once, however often sent.

    `undoes` is the operation that it takes back, which `undo` sets.
    """

    operation: Operation
    actor_uid: str
    request_id: str | None = None
    client_ts: datetime | None = None
    undoes: int | None = None


class Applied(NamedTuple):
    """An operation in the log. `inverse` takes it back; `is_repeat` if its request had been done before."""

    op_index: int
    operation: Operation
    inverse: Operation | None
    actor_uid: str
    request_id: str | None
    client_ts: datetime | None
    created_at: datetime
    undoes: int | None = None
    is_repeat: bool = False


def append(
    connection: sa.Connection, project_id: str, operations: Sequence[NewOperation], *, at: datetime | None = None
) -> list[Applied]:
    """Apply operations, one after another, in the caller's transaction: all of them or none.

    Each is given the next index; one whose request was done before is given as it is stored. `at` is for histories
    that are loaded later than they were made. Lock one project in a transaction, or several in one order.
    Raises `RefusedError` for a user who may not edit, `InvalidInputError` for an operation that cannot be applied.
    """
    cleaned = [_clean(new) for new in operations]
    project = lock_project(connection, project_id)
    for actor in {new.actor_uid for new in cleaned}:
        project.require_editor(actor)
    # An operation without a request goes by its place in the batch.
    keys = [place if new.request_id is None else new.request_id for place, new in enumerate(cleaned)]
    known: dict[int | str, Applied] = _repeats(connection, project_id, keys)
    fresh = {key: new for key, new in reversed(list(zip(keys, cleaned, strict=True))) if key not in known}
    order = [key for key in dict.fromkeys(keys) if key in fresh]
    applied = _apply_all(connection, project, [fresh[key] for key in order], at) if order else []
    known |= zip(order, applied, strict=True)
    results = []
    for key in keys:
        results.append(known[key])
        known[key] = known[key]._replace(is_repeat=True)
    return results


def undo(
    connection: sa.Connection, project_id: str, op_index: int, actor_uid: str, request_id: str | None = None
) -> Applied:
    """Take an operation back by appending its inverse; raises as `append` does.

    What others did to the same elements since stays, unless it stands in the way: then the error names the element.
    An operation is undone once; to have it again, undo the operation that took it back. A request that is sent again
    gives what it did.
    """
    lock_project(connection, project_id)
    if request_id is not None and (known := _repeats(connection, project_id, [request_id])):
        return known[request_id]
    rows = connection.execute(_ONE, {"project_id": project_id, "op_index": op_index}).all()
    if not rows:
        raise NotFoundError(f"The project {project_id} has no operation {op_index}")
    inverse = _applied(rows[0]).inverse
    if inverse is None:
        raise InvalidInputError(f"Operation {op_index} of {project_id} changed nothing; there is nothing to undo")
    undone = connection.execute(_UNDOING, {"project_id": project_id, "op_index": op_index}).scalar()
    if undone is not None:
        raise InvalidInputError(
            f"Operation {op_index} of {project_id} was undone by operation {undone}; undo that one to have it again"
        )
    return append(connection, project_id, [NewOperation(inverse, actor_uid, request_id, undoes=op_index)])[0]


def list_operations(connection: sa.Connection, project_id: str, *, after: int = -1, limit: int = PAGE) -> list[Applied]:
    """The operations that follow the index `after`, in their order."""
    parameters = {"project_id": project_id, "after": after, "limit": limit}
    return [_applied(row) for row in connection.execute(_PAGE, parameters)]


def operations_between(connection: sa.Connection, project_id: str, after: int, until: int) -> Iterator[Operation]:
    """The operations after the index `after`, up to `until` and with it, for a replay.

    Raises `PermanentError` when the log has a gap.
    """
    parameters = {"project_id": project_id, "after": after, "until": until}
    expected = after + 1
    for row in connection.execute(_BETWEEN, parameters):
        if row.op_index != expected:
            break
        expected += 1
        yield _operation(row)
    if expected != until + 1:
        raise PermanentError(f"The log of {project_id} lacks operation {expected}; restore the table from a backup")


def _clean(new: NewOperation) -> NewOperation:
    request_id = None if new.request_id is None else str(plain(new.request_id))
    return new._replace(operation=clean(new.operation), actor_uid=str(plain(new.actor_uid)), request_id=request_id)


def _apply_all(
    connection: sa.Connection, project: Project, fresh: Sequence[NewOperation], at: datetime | None
) -> list[Applied]:
    """Apply new operations to the rows, and write them into the log."""
    elements = read_named(connection, project.project_id, *needed(new.operation for new in fresh))
    before = dict(elements)
    advance = {"project_id": project.project_id, "count": len(fresh), "at": at}
    moment: datetime = connection.execute(_ADVANCE, advance).scalar_one()
    applied = []
    for op_index, new in enumerate(fresh, project.next_op_index):
        operation = with_members(elements, new.operation)
        change = apply(elements, operation)
        settle(elements, change.touched)
        whose = (new.actor_uid, new.request_id, new.client_ts)
        applied.append(Applied(op_index, operation, change.inverse, *whose, moment, new.undoes))
    _write(connection, project.project_id, applied)
    changed = _changed(before, elements)
    write_elements(connection, project.project_id, changed, moment)
    refuse_rings(connection, project.project_id, changed)
    return applied


def _changed(before: dict[str, Element], after: dict[str, Element]) -> dict[str, Element | None]:
    return {key: after.get(key) for key in {**before, **after} if before.get(key) is not after.get(key)}


def _write(connection: sa.Connection, project_id: str, applied: Sequence[Applied]) -> None:
    rows = [
        {
            "project_id": project_id,
            "op_index": one.op_index,
            "type": one.operation.type,
            "element_id": one.operation.element_id,
            "element_ids": one.operation.element_ids,
            "data": one.operation.data,
            "inverse": one.inverse,
            "actor_uid": one.actor_uid,
            "request_id": one.request_id,
            "client_ts": one.client_ts,
            "created_at": one.created_at,
            "undoes": one.undoes,
        }
        for one in applied
    ]
    if bulk.insert(connection, canvas_operation, rows, columns=tuple(rows[0])) != len(rows):
        reason = f"The log of {project_id} holds operations beyond the project's own count; restore one of both"
        raise PermanentError(reason)


def _repeats(connection: sa.Connection, project_id: str, keys: Sequence[int | str]) -> dict[int | str, Applied]:
    """The operations of requests that were done before, by request."""
    request_ids = [key for key in keys if isinstance(key, str)]
    if not request_ids:
        return {}
    rows = connection.execute(_REPEATS, {"project_id": project_id, "request_ids": request_ids})
    return {row.request_id: _applied(row)._replace(is_repeat=True) for row in rows}


def _applied(row: sa.Row[Any]) -> Applied:
    inverse = None if row.inverse is None else msgspec.convert(row.inverse, Operation)
    whose = (row.actor_uid, row.request_id, row.client_ts, row.created_at, row.undoes)
    return Applied(row.op_index, _operation(row), inverse, *whose)


def _operation(row: sa.Row[Any]) -> Operation:
    return Operation(OperationType(row.type), row.element_id, tuple(row.element_ids), row.data)


_ADVANCE = sa.text("""
    UPDATE canvas_project
    SET next_op_index = next_op_index + :count, updated_at = coalesce(CAST(:at AS timestamptz), clock_timestamp())
    WHERE project_id = :project_id RETURNING updated_at
""")

_LOG = """
    SELECT op_index, type, element_id, element_ids, data, inverse, actor_uid, request_id, client_ts, created_at, undoes
    FROM canvas_operation WHERE project_id = :project_id
"""

_ONE = sa.text(f"{_LOG} AND op_index = :op_index")

_UNDOING = sa.text("SELECT op_index FROM canvas_operation WHERE project_id = :project_id AND undoes = :op_index")

_REPEATS = sa.text(f"{_LOG} AND request_id = ANY (CAST(:request_ids AS text[]))")

_PAGE = sa.text(f"{_LOG} AND op_index > :after ORDER BY op_index LIMIT :limit")

_BETWEEN = sa.text("""
    SELECT op_index, type, element_id, element_ids, data FROM canvas_operation
    WHERE project_id = :project_id AND op_index > :after AND op_index <= :until ORDER BY op_index
""")
