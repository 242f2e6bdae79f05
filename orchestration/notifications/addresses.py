"""Addresses that have ended: which, and why. Keep out: what ends one; a channel knows that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.notifications.tables import notification_address
from orchestration.storage import bulk

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestration.notifications.channel import Channel


def end_address(connection: sa.Connection, address: str, reason: str) -> None:
    """Remember that nothing may be sent there any more."""
    bulk.insert(
        connection, notification_address, [{"address": address, "reason": reason}], columns=("address", "reason")
    )


def ended_addresses(connection: sa.Connection, channels: Iterable[Channel]) -> dict[str, str]:
    """Those of the channels' addresses that have ended, with the reason."""
    addresses = [channel.address for channel in channels if channel.address]
    if not addresses:
        return {}
    table = notification_address
    found = connection.execute(sa.select(table.c.address, table.c.reason).where(table.c.address.in_(addresses)))
    return dict(found.tuples().all())
