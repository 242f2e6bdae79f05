"""Many events of one asset, written to Dagster's event log in one transaction.

Dagster's own batch takes three connections, compiles its statement for each batch, and writes planned materializations
one by one: so for the storage on PostgreSQL this uses its parts. Keep out: what the events say (`recording`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Sequence

    import dagster as dg
    from dagster._core.storage.event_log import EventLogStorage


def store_events(storage: EventLogStorage, asset: dg.AssetKey, entries: Sequence[dg.EventLogEntry]) -> None:
    """Write `entries`, all of one kind and of that asset. Raises SQLAlchemy's errors when the database is away.

    Batches of one asset become visible in the order of their ids, by a lock until the commit: the partition status
    cache reads events by rising id and never looks back, so two writers that commit out of order would leave keys
    without a status for good. SQLite, which some tests use, has one writer anyway, and takes Dagster's own path.
    """
    from dagster._core.storage.event_log import SqlEventLogStorageTable
    from dagster_postgres.event_log import PostgresEventLogStorage

    if not entries or not isinstance(storage, PostgresEventLogStorage):
        storage.store_event_batch(entries)
        return
    insert = sa.insert(SqlEventLogStorageTable).returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True)
    with storage.index_transaction() as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext(:asset))"), {"asset": asset.to_string()})
        rows = [storage._event_to_row(entry) for entry in entries]  # noqa: SLF001 - as all below, see above
        ids = list(connection.execute(insert, rows).scalars())
        storage._store_asset_event_tags(connection, entries, ids)  # noqa: SLF001
        # The asset's row knows its newest event only.
        storage._store_asset_event(connection, entries[-1], ids[-1])  # noqa: SLF001
