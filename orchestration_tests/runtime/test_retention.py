"""Old runs go with their events and logs, and no status in the UI changes by it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING, cast

import dagster as dg
from dagster._core.storage.compute_log_manager import ComputeIOType

from orchestration.runtime import retention
from orchestration.runtime.maintenance import maintenance_definitions
from orchestration.runtime.partition_keys import encode_key
from orchestration.runtime.partitions import add_partitions
from orchestration.runtime.retention import PrunedRuns, RunRetention, prune_runs
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration_tests.runtime.queued_runs import add_run
from orchestration_tests.runtime.test_recording import PAGES, SET, names_by_status, run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

WEEK, MONTH = timedelta(days=7), timedelta(days=30)
RETENTION = RunRetention(ended=WEEK, failed=MONTH)
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dg.op
def nothing() -> None:
    """Leave no trace but the run's own events."""


@dg.op
def fail() -> None:
    """Fail."""
    raise dg.Failure("no")


@dg.asset
def whole() -> None:
    """An asset without partitions."""


def ended_run(instance: dg.DagsterInstance, op: dg.OpDefinition = nothing) -> str:
    """A run that no status rests on."""

    @dg.job(executor_def=dg.in_process_executor)
    def work() -> None:
        op()

    return work.execute_in_process(_QUIET, instance, raise_on_error=False).run_id


def after(time: timedelta) -> datetime:
    """The moment that is so long after now."""
    return datetime.now(UTC) + time + timedelta(minutes=1)


def runs(instance: dg.DagsterInstance) -> set[str]:
    """The ids of all runs."""
    return {one.run_id for one in instance.get_runs()}


def test_a_run_goes_when_it_is_older_than_runs_of_its_ending_are_kept(instance: dg.DagsterInstance) -> None:
    done, failed = ended_run(instance), ended_run(instance, fail)
    assert prune_runs(instance, RETENTION, now=after(timedelta())) == PrunedRuns(0, 0)
    assert prune_runs(instance, RETENTION, now=after(WEEK)) == PrunedRuns(1, 0)
    assert runs(instance) == {failed}
    assert list(instance.all_logs(done)) == []
    assert prune_runs(instance, RETENTION, now=after(MONTH)) == PrunedRuns(1, 0)
    assert runs(instance) == set()


def test_a_run_that_has_not_ended_stays_whatever_its_age(instance: dg.DagsterInstance) -> None:
    for status in dg.DagsterRunStatus:
        if status.value not in {"SUCCESS", "FAILURE", "CANCELED"}:
            add_run(instance, status)
    before = runs(instance)
    assert before
    assert prune_runs(instance, RETENTION, now=after(timedelta(days=1000))) == PrunedRuns(0, 0)
    assert runs(instance) == before


def test_partitions_keep_their_status_when_the_runs_that_made_them_are_old(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PAGE", 2)
    add_partitions(instance, SET, ["a", "b", "c", "d"])
    superseded = run(instance, ["a", "b"]).run_id
    a_and_b = run(instance, ["a", "b"]).run_id
    ended_run(instance)
    b_fails = run(instance, ["b"], broken=["b"]).run_id
    c_failed = run(instance, ["c"], broken=["c"]).run_id
    c_made = run(instance, ["c"]).run_id
    ended_run(instance)
    d_failed = run(instance, ["d"], broken=["d"]).run_id
    expected = {
        "MATERIALIZED": {encode_key("a"), encode_key("c")},
        "FAILED": {encode_key("b"), encode_key("d")},
    }
    assert names_by_status(instance) == expected

    pruned = prune_runs(instance, RETENTION, now=after(MONTH))

    assert runs(instance) == {a_and_b, b_fails, c_made, d_failed}
    assert superseded not in runs(instance)
    assert c_failed not in runs(instance)
    assert pruned == PrunedRuns(4, 4)
    assert names_by_status(instance) == expected
    # Nor when Dagster forgets what it has worked out so far, as it does when the definitions change.
    instance.event_log_storage.wipe_asset_cached_status(PAGES)
    assert names_by_status(instance) == expected


def test_an_asset_without_partitions_keeps_its_latest_run(instance: dg.DagsterInstance) -> None:
    made = [dg.materialize([whole], instance=instance, run_config=_QUIET).run_id for _ in range(3)]
    assert prune_runs(instance, RETENTION, now=after(WEEK)) == PrunedRuns(2, 1)
    assert runs(instance) == {made[-1]}
    latest = instance.get_latest_materialization_event(whole.key)
    assert latest is not None
    assert latest.run_id == made[-1]


def test_a_check_keeps_its_result_when_its_run_is_gone(instance: dg.DagsterInstance) -> None:
    @dg.asset_check(asset=whole)
    def looks_good() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    selection = dg.AssetSelection.checks(looks_good)
    definitions = dg.Definitions([whole], asset_checks=[looks_good], jobs=[dg.define_asset_job("look", selection)])
    definitions.resolve_job_def("look").execute_in_process(_QUIET, instance)
    assert prune_runs(instance, RETENTION, now=after(WEEK)) == PrunedRuns(1, 0)
    [key] = looks_good.check_keys
    [record] = instance.event_log_storage.get_latest_asset_check_execution_by_key([key]).values()
    assert record.status.value == "SUCCEEDED"


def test_pruning_ends_when_it_is_asked_to_and_goes_on_the_next_time(instance: dg.DagsterInstance) -> None:
    ids = [ended_run(instance) for _ in range(3)]
    answers = iter([False, True])
    assert prune_runs(instance, RETENTION, now=after(WEEK), is_over=lambda: next(answers)) == PrunedRuns(1, 0)
    assert runs(instance) == set(ids[1:])
    assert prune_runs(instance, RETENTION, now=after(WEEK)) == PrunedRuns(2, 0)


def test_the_job_says_how_many_runs_and_half_written_objects_it_deleted(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    old = ended_run(instance)
    half = tmp_path / "media" / "picture.png#1"
    half.parent.mkdir()
    half.touch()
    os.utime(half, (0, 0))
    services = Services(Settings(run_keep_days=1e-9, home=tmp_path / "home", object_store=tmp_path.as_uri()))
    job = maintenance_definitions(services).resolve_job_def("maintenance_prune")
    result = job.execute_in_process(_QUIET, instance)
    assert old not in runs(instance)
    assert not half.exists()
    handled = [event.step_output_data.metadata for event in result.all_events if event.is_successful_output]
    assert [metadata["deleted"].value for metadata in handled] == [1, 1]


def test_the_logs_of_a_deleted_run_are_deleted_too(instance: dg.DagsterInstance) -> None:
    old, manager = ended_run(instance), instance.compute_log_manager
    log = [old, "compute_logs", "step"]
    with manager.open_log_stream(log, ComputeIOType.STDOUT) as stream:
        cast("IO[str]", stream).write("hello")
    assert manager.get_log_data(log).stdout == b"hello"
    prune_runs(instance, RETENTION, now=after(WEEK))
    assert not manager.get_log_data(log).stdout
