"""Drain runs: as many as the queue's depth asks for, never more, never stopped from outside."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.runtime.drains import (
    DRAIN_TAG,
    INTERVAL_SECONDS,
    DrainScale,
    WarmRuns,
    drain_sensor,
    missing_drains,
)
from orchestration_tests.runtime.ticks import Tick, tick

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

SCALE = DrainScale(tasks_per_drain=100, most=3)


@dg.asset
def work() -> None:
    """Nothing to do."""


job = dg.define_asset_job("drain_work", [work])


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.mark.parametrize(
    ("depth", "running", "missing"),
    [(0, 0, 0), (1, 0, 1), (100, 0, 1), (101, 0, 2), (10_000, 0, 3), (1, 1, 0), (250, 1, 2), (1, 3, 0), (10_000, 5, 0)],
)
def test_depth_decides_how_many_drains_are_missing(depth: int, running: int, missing: int) -> None:
    assert missing_drains(depth, running, SCALE) == missing


@given(
    depth=st.integers(0, 10**7),
    running=st.integers(0, 20),
    scale=st.builds(DrainScale, st.integers(1, 10_000), st.integers(1, 10), st.integers(0, 10)),
)
def test_the_limit_holds_and_work_never_waits_without_a_drain(depth: int, running: int, scale: DrainScale) -> None:
    launched = missing_drains(depth, running, scale)
    assert launched >= 0
    assert launched == 0 or running + launched <= scale.most
    assert (depth > 0) <= (running + launched > 0)
    assert missing_drains(depth, running + launched, scale) == 0


def test_warm_drains_are_up_before_there_is_work() -> None:
    warm = SCALE._replace(warm=1)
    assert [missing_drains(0, running, warm) for running in (0, 1)] == [1, 0]
    assert missing_drains(250, 1, warm) == 2


def look(instance: dg.DagsterInstance, depth: int) -> Tick:
    """Let the sensor look at a queue of this depth."""
    sensor = drain_sensor("work_sensor", job, lambda: depth, SCALE)
    return tick(dg.Definitions([work], jobs=[job], sensors=[sensor]), "work_sensor", instance)


def start_drain(instance: dg.DagsterInstance, status: dg.DagsterRunStatus) -> dg.DagsterRun:
    """A drain run of that status."""
    definition = dg.Definitions([work], jobs=[job]).resolve_job_def("drain_work")
    return instance.create_run_for_job(definition, tags={DRAIN_TAG: job.name}, status=status)


def test_a_sensor_launches_what_is_missing_and_marks_it(instance: dg.DagsterInstance) -> None:
    requests = look(instance, 250).requests
    assert [request.tags[DRAIN_TAG] for request in requests] == ["drain_work"] * 3
    assert all(request.run_key is None for request in requests)


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED])
def test_a_drain_on_its_way_counts_as_up(instance: dg.DagsterInstance, status: dg.DagsterRunStatus) -> None:
    start_drain(instance, status)
    assert look(instance, 100)[:2] == ([], "100 tasks due, 1 drains up")
    assert len(look(instance, 150).requests) == 1


def test_a_drain_that_has_ended_is_replaced(instance: dg.DagsterInstance) -> None:
    instance.report_run_canceled(start_drain(instance, dg.DagsterRunStatus.STARTED))
    assert len(look(instance, 1).requests) == 1


def test_an_empty_queue_is_skipped(instance: dg.DagsterInstance) -> None:
    assert look(instance, 0)[:2] == ([], "0 tasks due, 0 drains up")


def test_the_sensor_is_on_by_itself_and_looks_often() -> None:
    sensor = drain_sensor("work_sensor", job, lambda: 0, SCALE)
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert sensor.minimum_interval_seconds == INTERVAL_SECONDS


WARM = WarmRuns({"ops": {"work": {"config": {"idle_seconds": 3_000.0}}}}, renew_seconds=3_000.0)


def look_warmly(instance: dg.DagsterInstance, depth: int) -> list[bool]:
    """Let a sensor that keeps one drain up look; of each run that it asks for, whether it is to stay up."""
    sensor = drain_sensor("work_sensor", job, lambda: depth, SCALE._replace(warm=1), WARM)
    requests = tick(dg.Definitions([work], jobs=[job], sensors=[sensor]), "work_sensor", instance).requests
    return [request.run_config == WARM.run_config for request in requests]


def test_the_drains_that_are_kept_up_do_not_end_when_idle_and_those_beyond_do(instance: dg.DagsterInstance) -> None:
    assert look_warmly(instance, 0) == [True]
    assert look_warmly(instance, 250) == [True, False, False]
    start_drain(instance, dg.DagsterRunStatus.STARTED)
    assert look_warmly(instance, 0) == []
    assert look_warmly(instance, 250) == [False, False]


def test_another_drain_is_up_before_one_that_is_kept_up_ends(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_drain(instance, dg.DagsterRunStatus.STARTED)

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # one hour ahead
            return datetime.now(tz) + timedelta(hours=1)

    assert look_warmly(instance, 0) == []
    monkeypatch.setattr("orchestration.runtime.drains.datetime", Later)
    assert look_warmly(instance, 0) == [True]
