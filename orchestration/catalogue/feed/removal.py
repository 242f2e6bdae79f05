"""Families that left the feed: unpublished, soft-deleted or kept, and brought back by hand.

It holds what a removal writes. Keep out: whether it may happen (`guard`).

Nothing is ever deleted. `removed_at` says that the feed no longer lists a family, under every policy. A family that the
feed lists again is imported again, which makes it active.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.catalogue.tables import change, product_family
from orchestration.settings import RemovalPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence


def remove_families(connection: sa.Connection, sync_id: int, a_numbers: Sequence[str], policy: RemovalPolicy) -> int:
    """Mark the families as gone from the feed, and do what `policy` says; returns how many rows were written."""
    values: dict[str, object] = {"removed_at": sa.func.now()}
    if policy is not RemovalPolicy.KEEP:
        values["is_active"] = False
    if policy is RemovalPolicy.SOFT_DELETE:
        values["deleted_at"] = sa.func.now()
    statement = sa.update(product_family).where(_listed(a_numbers)).values(values)
    written = connection.execute(statement).rowcount
    return written + _record(connection, a_numbers, kind="removed", after=policy.value, sync_id=sync_id)


def restore_families(connection: sa.Connection, a_numbers: Sequence[str]) -> list[str]:
    """Publish removed families again, by hand; returns those that were restored.

    They stay marked as gone from the feed, so that the next sync does not remove them again.
    """
    statement = (
        sa.update(product_family)
        .where(_listed(a_numbers), product_family.c.removed_at.is_not(None), ~product_family.c.is_active)
        .values(is_active=True, deleted_at=None)
        .returning(product_family.c.a_number)
    )
    restored = sorted(connection.execute(statement).scalars())
    _record(connection, restored, kind="restored", after="by hand", sync_id=None)
    return restored


def soft_deleted(connection: sa.Connection) -> list[str]:
    """The families that are gone for good, as far as partitions go."""
    return list(
        connection.execute(
            sa.select(product_family.c.a_number).where(product_family.c.deleted_at.is_not(None))
        ).scalars()
    )


def _listed(a_numbers: Sequence[str]) -> sa.ColumnElement[bool]:
    return product_family.c.a_number == sa.any_(sa.cast(list(a_numbers), sa.ARRAY(sa.Text)))


def _record(connection: sa.Connection, a_numbers: Sequence[str], *, kind: str, after: str, sync_id: int | None) -> int:
    if not a_numbers:
        return 0
    rows = [
        {"sync_id": sync_id, "a_number": a_number, "entity": "family", "key": a_number, "kind": kind, "after": after}
        for a_number in a_numbers
    ]
    connection.execute(sa.insert(change), rows)
    return len(rows)
