"""What happened to a partition, and in which runs, as Dagster's own tables have it; for code without Dagster.

The tables `event_logs` and `runs` of dagster-postgres 0.29, by the index that Dagster's own partition pages use. Keep
out: what the events carry, which Dagster's UI shows.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

import sqlalchemy as sa

from orchestration.errors import TransientError

if TYPE_CHECKING:
    from orchestration.storage.database import Database

_WORDS: Final = {
    "ASSET_MATERIALIZATION": "materialized",
    "ASSET_FAILED_TO_MATERIALIZE": "failed",
    "ASSET_OBSERVATION": "observed",
    "ASSET_MATERIALIZATION_PLANNED": "planned",
}


class PartitionEvent(NamedTuple):
    """Something that a run recorded of a partition. `run_status` is how the run stands now."""

    run_id: str
    what: str
    run_status: str | None
    at: datetime


def partition_events(database: Database, asset: str, partition: str, *, limit: int) -> list[PartitionEvent]:
    """The newest events of a partition of the asset, whose key is written with slashes.

    An empty list where Dagster has not made its tables, or its database does not answer.
    """
    values = {"asset": json.dumps(asset.split("/")), "partition": partition, "kinds": list(_WORDS), "limit": limit}
    try:
        with database.connect() as connection:
            rows = connection.execute(_EVENTS, values).all()
    except (TransientError, sa.exc.ProgrammingError):
        return []
    return [PartitionEvent(row.run_id, _WORDS[row.kind], row.status, row.at.replace(tzinfo=UTC)) for row in rows]


# Times there are in UTC without saying so.
_EVENTS = sa.text("""
SELECT e.run_id, e.dagster_event_type AS kind, r.status, e.timestamp AS at FROM (
    SELECT id, run_id, dagster_event_type, timestamp FROM event_logs
    WHERE asset_key = :asset AND partition = :partition
        AND dagster_event_type = ANY (CAST(:kinds AS text[])) ORDER BY id DESC LIMIT :limit
) AS e LEFT JOIN runs AS r USING (run_id) ORDER BY e.id DESC""")
