"""Attaching a table to the trigger that refuses illegal steps of a state machine.

For migrations. Keep out: the trigger function (revision 0009), and which steps a domain allows.

    attach_transitions(op, "render_job", "state", {"pending": ["running"], "running": ["pending", "completed"]})

From then on no statement, by whomever, takes a row from one state to another but along these steps: the database
raises `REFUSED_TRANSITION`, an integrity error that names the table, the old state and the new one. A row may always be
written with the state that it has. A new row is not checked unless `initial` names the states that one may begin with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa

from orchestration.storage.tables import state_transition

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# In the class of integrity violations, with a number of our own in the range left to implementations.
REFUSED_TRANSITION = "23S01"
NEW_ROW = ""


class Operations(Protocol):
    """What is used of `alembic.op`, which is a module."""

    def execute(self, sqltext: Any, /) -> None:  # noqa: ANN401 - a statement of any kind
        """Run a statement."""

    def get_bind(self) -> sa.Connection:
        """The connection that the migration runs on."""


def attach_transitions(
    operations: Operations,
    table: str,
    column: str,
    allowed: Mapping[str, Collection[str]],
    *,
    initial: Collection[str] = (),
) -> None:
    """Refuse each change of `table.column` that is not a step from a key of `allowed` to one of its values.

    The column is of a text type, and not null. Call it again to replace the steps.
    """
    detach_transitions(operations, table, column)
    steps = {NEW_ROW: initial, **allowed}
    rows = [
        {"table_name": table, "column_name": column, "old_state": old, "new_state": new}
        for old, reachable in steps.items()
        for new in reachable
    ]
    if rows:
        operations.execute(sa.insert(state_transition).values(rows))
    # After the row is written, so that no other trigger can slip a state past it.
    quote = operations.get_bind().dialect.identifier_preparer.quote
    on, of, function = quote(table), quote(column), f"refuse_transition({_literal(column)})"
    operations.execute(
        f"CREATE TRIGGER {quote(_trigger(column))} AFTER UPDATE ON {on} FOR EACH ROW "
        f"WHEN (NEW.{of} IS DISTINCT FROM OLD.{of}) EXECUTE FUNCTION {function}"
    )
    if initial:
        operations.execute(
            f"CREATE TRIGGER {quote(_trigger(column, 'new'))} AFTER INSERT ON {on} FOR EACH ROW "
            f"EXECUTE FUNCTION {function}"
        )


def detach_transitions(operations: Operations, table: str, column: str) -> None:
    """Let `table.column` change as it likes again."""
    quote = operations.get_bind().dialect.identifier_preparer.quote
    for trigger in (_trigger(column), _trigger(column, "new")):
        operations.execute(f"DROP TRIGGER IF EXISTS {quote(trigger)} ON {quote(table)}")
    operations.execute(
        sa.delete(state_transition).where(
            state_transition.c.table_name == table, state_transition.c.column_name == column
        )
    )


def _trigger(column: str, kind: str = "changed") -> str:
    return f"refuse_{kind}_{column}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
