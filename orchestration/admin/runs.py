"""The runs of a partition as a part of a page, each a link to Dagster's UI. Keep out: reading them (`run_history`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.admin.parts import Row, Section, Table, moment, state, text
from orchestration.admin.places import partition_address, run_cell
from orchestration.runtime.partition_keys import encode_key
from orchestration.runtime.run_history import PartitionEvent, partition_events

if TYPE_CHECKING:
    from orchestration.admin.frame import Frame

SHOWN = 10


def read_runs(frame: Frame, asset: str, key: str) -> list[PartitionEvent]:
    """The newest events of a partition; none while Dagster's database is away or empty."""
    return partition_events(frame.dagster_database, asset, encode_key(key), limit=SHOWN)


def runs_section(frame: Frame, asset: str, key: str) -> Section:
    """The newest runs that had to do with the partition of `key`."""
    rows = [
        Row(
            (
                run_cell(frame.services.settings, one.run_id),
                text(one.what),
                state(one.run_status),
                moment(one.at),
            )
        )
        for one in read_runs(frame, asset, key)
    ]
    more = (partition_address(frame.services.settings, asset, key), "Its partition")
    table = Table(("Run", "What happened", "Run ended", "At"), rows, "No run has recorded it yet.")
    return Section("Runs in Dagster", table=table, more=more)
