"""Deleting Dagster's old runs with their events and logs, but for what a status in the UI rests on.

Which runs may go, and the deletion in pages. Keep out: when that is done (`maintenance`), and ticks of sensors and
schedules, which Dagster deletes by itself as `dagster.yaml` says.

Dagster derives the status of an asset or a partition from events: it is made by its latest materialization, and failed
by a later attempt of a run that failed. A family that was imported a year ago and has not changed since stays green by
a year-old event, so the run of that event stays, whatever its age.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import dagster as dg
import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime, timedelta

PAGE = 200
EVENTS_PAGE = 5_000


@dataclass(frozen=True, slots=True)
class RunRetention:
    """How long runs are kept after their last change: `failed` those that failed, `ended` the other ended ones."""

    ended: timedelta
    failed: timedelta


class PrunedRuns(NamedTuple):
    """How many runs were deleted, and how many old ones stay because a status rests on them."""

    deleted: int
    kept: int


def prune_runs(
    instance: dg.DagsterInstance,
    retention: RunRetention,
    *,
    now: datetime,
    is_over: Callable[[], bool] = lambda: False,
) -> PrunedRuns:
    """Delete the runs that are older than `retention` allows at `now`, oldest first, until `is_over()`.

    Runs that have not ended are never deleted, nor those that a status rests on. What a stop leaves is deleted by the
    next call.
    """
    standing = runs_with_standing(instance)
    deleted = kept = 0
    for run_id in _old_runs(instance, retention, now, standing):
        if is_over():
            break
        if run_id in standing:
            kept += 1
        else:
            instance.delete_run(run_id)
            instance.compute_log_manager.delete_logs(prefix=[run_id])
            deleted += 1
    return PrunedRuns(deleted, kept)


def runs_with_standing(instance: dg.DagsterInstance) -> set[str]:
    """The runs that the status of an asset or of a partition rests on."""
    standing: set[str] = set()
    for asset in instance.get_asset_keys():
        standing.update(_latest_makers(instance, asset))
        storage = instance.event_log_storage
        attempts = storage.get_latest_asset_partition_materialization_attempts_without_materializations(asset)
        standing.update(run_id for run_id, _ in attempts.values())
    for record in instance.get_asset_records():
        entry = record.asset_entry
        standing.update(
            filter(None, (entry.last_run_id, entry.last_materialization and entry.last_materialization.run_id))
        )
    return standing


def _latest_makers(instance: dg.DagsterInstance, asset: dg.AssetKey) -> Iterator[str]:
    """The runs of each partition's latest materialization.

    By Dagster's table itself: of 100,000 partitions, reading the events takes minutes, and their runs' ids a second.
    """
    from dagster._core.storage.event_log import SqlEventLogStorage, SqlEventLogStorageTable

    storage, table = instance.event_log_storage, SqlEventLogStorageTable
    if not isinstance(storage, SqlEventLogStorage):
        raise TypeError(f"Dagster's events are in {type(storage).__name__}, which is no SQL storage")
    latest = instance.get_latest_storage_id_by_partition(asset, dg.DagsterEventType.ASSET_MATERIALIZATION)
    storage_ids = sorted(latest.values())
    with storage.index_connection() as connection:
        for start in range(0, len(storage_ids), EVENTS_PAGE):
            page = storage_ids[start : start + EVENTS_PAGE]
            yield from connection.execute(sa.select(table.c.run_id).where(table.c.id.in_(page)).distinct()).scalars()


def _old_runs(
    instance: dg.DagsterInstance, retention: RunRetention, now: datetime, standing: set[str]
) -> Iterator[str]:
    """The ended runs that are too old, in pages, oldest first; the caller may delete all but those of `standing`."""
    ages = {
        dg.DagsterRunStatus.SUCCESS: retention.ended,
        dg.DagsterRunStatus.CANCELED: retention.ended,
        dg.DagsterRunStatus.FAILURE: retention.failed,
    }
    for status, age in ages.items():
        old = dg.RunsFilter(statuses=[status], updated_before=now - age)
        cursor = None
        while page := instance.get_runs(old, cursor=cursor, limit=PAGE, ascending=True):
            # A deleted run is no place to go on from.
            cursor = next((run.run_id for run in reversed(page) if run.run_id in standing), cursor)
            yield from (run.run_id for run in page)
