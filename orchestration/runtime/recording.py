"""Many partitions in one run, each with a status of its own.

The events that Dagster's UI reads a partition's status from, as Dagster would have written them itself.
`orchestration_tests/runtime/test_recording.py` proves the status in the UI's own terms after it. Keep out: the work on
a key, and writing events (`event_batches`).

A good key gets its materialization, with its metadata. A bad key counts as failed when it has a *planned* event and no
later materialization in a run that ended in failure: runs with a partition tag have their planned events from Dagster,
for other keys they are written here. An observation tells the reason. Events go out `BATCH` at a time, about 25 times
faster than one by one; a killed run loses the status of one batch at most, never the work.
"""

from __future__ import annotations

import logging
import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.events import (
    AssetMaterializationPlannedData,
    AssetObservationData,
    StepMaterializationData,
)
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from orchestration.runtime.event_batches import store_events
from orchestration.runtime.metadata import markdown_table
from orchestration.runtime.partition_keys import encode_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

BATCH = 500
REASON_LENGTH = 500
# How long a run waits for Dagster's database before its records are given up.
PATIENCE_SECONDS = 120.0
LISTED_FAILURES = 50
# The name of the failure's metadata that holds the reason of each bad key, for programs.
REASONS = "reasons"

_EventData = StepMaterializationData | AssetObservationData | AssetMaterializationPlannedData


class PartitionRecorder:
    """Records what became of each key of one asset in one run; `finish` ends the step.

    `asset` is to be named where a step makes several. Not for use by two threads at once. Keys are plain texts; the
    recorder encodes them.
    """

    def __init__(self, context: dg.AssetExecutionContext, asset: dg.AssetKey | None = None) -> None:
        self._context = context
        self._asset = asset or context.asset_key
        self._good: dict[str, dg.AssetMaterialization] = {}
        self._bad: dict[str, str] = {}
        self._shown: dict[str, Mapping[str, Any]] = {}
        self._recorded = 0

    @property
    def recorded(self) -> int:
        """How many keys were recorded as good so far."""
        return self._recorded + len(self._good)

    @property
    def failures(self) -> Mapping[str, str]:
        """The reasons of the bad keys, by key."""
        return self._bad

    def materialized(self, text: str, metadata: Mapping[str, Any]) -> None:
        """The key was made; a later failure of the same key in this run counts, and the other way round."""
        key = encode_key(text)
        self._bad.pop(key, None)
        self._good[key] = dg.AssetMaterialization(self._asset, partition=key, metadata=metadata)
        if len(self._good) > BATCH:
            self._store_good(keep_last=True)

    def failed(self, text: str, reason: str, metadata: Mapping[str, Any] | None = None) -> None:
        """The key was not made, and why; `metadata` shows what of it was made all the same."""
        key = encode_key(text)
        self._good.pop(key, None)
        self._bad[key] = reason[:REASON_LENGTH]
        self._shown[key] = metadata or {}

    def finish(self) -> Iterator[dg.AssetMaterialization]:
        """Yield this from the asset: records the rest, and raises `dg.Failure` when there are bad keys.

        The run's last materialization goes through Dagster's own path, which makes it the asset's output.
        """
        yield from finish_all([self])

    def store_rest(self) -> dg.AssetMaterialization | None:
        """Record what is left but for the last materialization, which is returned; see `finish`."""
        last = self._store_good(keep_last=True)
        if last is not None:
            self._recorded += 1
            self._good = {}
        if self._bad:
            self._store_bad()
        return last

    def _store_good(self, *, keep_last: bool) -> dg.AssetMaterialization | None:
        good = list(self._good.values())
        last = good.pop() if good and keep_last else None
        self._store(dg.DagsterEventType.ASSET_MATERIALIZATION, [StepMaterializationData(one) for one in good])
        self._recorded += len(good)
        self._good = {last.partition: last} if last is not None and last.partition else {}
        return last

    def _store_bad(self) -> None:
        asset, context = self._asset, self._context
        if not (context.has_partition_key or context.has_partition_key_range):
            planned = [AssetMaterializationPlannedData(asset, key) for key in self._bad]
            self._store(dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, planned)
        reasons = [
            AssetObservationData(
                dg.AssetObservation(asset, partition=key, metadata={"reason": reason, **self._shown[key]})
            )
            for key, reason in self._bad.items()
        ]
        self._store(dg.DagsterEventType.ASSET_OBSERVATION, reasons)

    def _store(self, kind: dg.DagsterEventType, events: list[Any]) -> None:
        for start in range(0, len(events), BATCH):
            entries = [self._entry(kind, data) for data in events[start : start + BATCH]]
            _patiently(partial(self._store_batch, entries))

    def _store_batch(self, entries: list[dg.EventLogEntry]) -> None:
        store_events(self._context.instance.event_log_storage, self._asset, entries)

    def _entry(self, kind: dg.DagsterEventType, data: _EventData) -> dg.EventLogEntry:
        """The event log row that Dagster itself would have written for this step."""
        context = self._context
        step = context.op_execution_context.get_step_execution_context().step.key
        event = dg.DagsterEvent(kind.value, context.job_name, event_specific_data=data, step_key=step, pid=os.getpid())
        return dg.EventLogEntry(  # type: ignore[no-untyped-call]  # Dagster left its constructor unannotated
            error_info=None,
            level=logging.INFO,
            user_message="",
            run_id=context.run.run_id,
            timestamp=time.time(),
            step_key=step,
            job_name=context.job_name,
            dagster_event=event,
        )


def finish_all(recorders: Sequence[PartitionRecorder]) -> Iterator[dg.AssetMaterialization]:
    """End a step that makes several assets, as `PartitionRecorder.finish` does with one."""
    for recorder in recorders:
        if (last := recorder.store_rest()) is not None:
            yield last
    reasons = {key: reason for recorder in reversed(recorders) for key, reason in recorder.failures.items()}
    if reasons:
        failed = sum(len(recorder.failures) for recorder in recorders)
        recorded = sum(recorder.recorded for recorder in recorders)
        raise dg.Failure(
            f"{failed} of {recorded + failed} partitions failed; the others are done. "
            f"Re-execute with just these keys once their cause is fixed. {_first(reasons)}",
            metadata={
                "failed": dg.MetadataValue.md(failure_table(reasons)),
                REASONS: dg.MetadataValue.json(reasons),
            },
            allow_retries=False,  # a retry of the step would repeat the whole key list
        )


def asset_results(metadata: Mapping[str, Any], failures: Mapping[str, str]) -> Iterator[dg.MaterializeResult[None]]:
    """Yield this from an asset without partitions: its materialization, then `dg.Failure` if any of its items failed.

    `failures` are reasons by item.
    """
    yield dg.MaterializeResult(metadata=metadata)
    if failures:
        raise dg.Failure(
            f"{len(failures)} item{'s' if len(failures) > 1 else ''} failed; the others are done. "
            f"Replay what failed once its cause is fixed. {_first(failures)}",
            metadata={
                "failed": dg.MetadataValue.md(failure_table(failures)),
                REASONS: dg.MetadataValue.json(dict(failures)),
            },
            allow_retries=False,
        )


def _first(reasons: Mapping[str, str]) -> str:
    key, reason = next(iter(reasons.items()))
    return f"The first is {key}: {reason}"[:REASON_LENGTH]


def failure_table(reasons: Mapping[str, str]) -> str:
    """A Markdown table of the first failures, and how many more there are."""
    return markdown_table(("partition", "reason"), reasons.items(), limit=LISTED_FAILURES, longest=REASON_LENGTH)


def _patiently(work: Callable[[], None]) -> None:
    """Try again while Dagster's database is away: the work that is to be recorded has been done.

    A batch whose commit got no answer may be stored twice, which shows as a second materialization and no more.
    """
    retrying = Retrying(
        retry=retry_if_exception_type((sa.exc.OperationalError, sa.exc.InterfaceError)),
        wait=wait_exponential_jitter(multiplier=0.1, max=2.0),
        stop=stop_after_delay(PATIENCE_SECONDS),
        reraise=True,
    )
    retrying(work)
