"""The audit: who did what on the pages, to what, and how it ended. Keep out: doing it (`forms`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from orchestration.admin.tables import admin_action

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestration.admin.session import Visitor

LONGEST_MESSAGE, KEPT_VALUES = 2_000, 100


class Deed(NamedTuple):
    """What somebody did or tried: the action, what it was done to, with which arguments, and how it ended."""

    action: str
    target: str
    values: Mapping[str, Sequence[str]]
    outcome: str
    message: str
    http_request_id: str


def record_action(connection: sa.Connection, visitor: Visitor, deed: Deed) -> None:
    """Write a line, in the transaction of what was done; of long lists of arguments the first are kept."""
    kept: dict[str, Any] = {
        name: found[0] if len(found) == 1 else found[:KEPT_VALUES] for name, found in deed.values.items()
    }
    row = {
        "caller": visitor.caller.name,
        "role": visitor.caller.role.value,
        "action": deed.action,
        "target": deed.target,
        "arguments": kept,
        "outcome": deed.outcome,
        "message": deed.message[:LONGEST_MESSAGE],
        "http_request_id": deed.http_request_id,
    }
    connection.execute(sa.insert(admin_action).values(row))


def list_actions(
    connection: sa.Connection,
    *,
    caller: str | None = None,
    action: str | None = None,
    target: str | None = None,
    targets: Sequence[str] | None = None,
    outcome: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[sa.RowMapping]:
    """The newest lines first; those of a caller, an action, targets or an outcome, if these are given."""
    statement = sa.select(admin_action).order_by(admin_action.c.id.desc()).limit(limit)
    for name, value in {"caller": caller, "action": action, "target": target, "outcome": outcome}.items():
        if value is not None:
            statement = statement.where(admin_action.c[name] == value)
    if targets is not None:
        statement = statement.where(admin_action.c.target.in_(targets))
    if before is not None:
        statement = statement.where(admin_action.c.id < before)
    return list(connection.execute(statement).mappings())
