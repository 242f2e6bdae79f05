"""Taking items down: an operator's removal, which holds until it is lifted. The history cannot undo it.

It holds the list of what is taken down. Keep out: the mirror, which follows by a trigger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.gallery.tables import gallery_takedown

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime


def takedown(connection: sa.Connection, history_ids: Collection[str], reason: str) -> int:
    """Take items down, known ones or not; how many were not down before. A later reason replaces the earlier one."""
    if not history_ids:
        return 0
    statement = pg.insert(gallery_takedown).values(
        [{"history_id": one, "reason": reason} for one in sorted(history_ids)]
    )
    written = statement.on_conflict_do_update(index_elements=["history_id"], set_={"reason": statement.excluded.reason})
    is_new: sa.ColumnElement[bool] = sa.literal_column("xmax = 0", sa.Boolean)
    return sum(connection.execute(written.returning(is_new)).scalars())


class Takedown(NamedTuple):
    """An item that is down, why, and since when."""

    history_id: str
    reason: str
    taken_down_at: datetime


def list_takedowns(connection: sa.Connection, *, after: str | None = None, limit: int = 100) -> list[Takedown]:
    """What is taken down, by id, from the one after `after` on."""
    statement = sa.select(gallery_takedown).order_by(gallery_takedown.c.history_id).limit(limit)
    if after is not None:
        statement = statement.where(gallery_takedown.c.history_id > after)
    return [Takedown(row.history_id, row.reason, row.taken_down_at) for row in connection.execute(statement)]


def lift(connection: sa.Connection, history_ids: Collection[str]) -> int:
    """Let the history decide again; how many were down."""
    return connection.execute(
        sa.delete(gallery_takedown).where(gallery_takedown.c.history_id.in_(sorted(history_ids)))
    ).rowcount
