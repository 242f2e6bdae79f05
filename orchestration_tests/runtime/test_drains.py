"""Drain runs: as many as the queue's depth asks for, never more, never stopped from outside."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.runtime.assets import run_config
from orchestration.runtime.drains import (
    DRAIN_TAG,
    INTERVAL_SECONDS,
    DrainConfig,
    DrainScale,
    WarmRuns,
    drain_sensor,
    missing_drains,
)
from orchestration.work_queue.pausing import pause, resume
from orchestration.work_queue.worker import Worker
from orchestration_tests.runtime.ticks import Tick, tick
from orchestration_tests.work_queue.queues import enqueue, make_queue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.services import Services

QUEUE = make_queue("work")
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


def look(instance: dg.DagsterInstance, services: Services, depth: int, warm: WarmRuns | None = None) -> Tick:
    """Let the sensor look at a queue of this depth."""
    scale = SCALE if warm is None else SCALE._replace(warm=1)
    enqueue(services.database, QUEUE, *(str(number) for number in range(depth)))
    sensor = drain_sensor("work_sensor", job, services, [QUEUE], scale, warm=warm)
    return tick(dg.Definitions([work], jobs=[job], sensors=[sensor]), "work_sensor", instance)


def test_a_paused_queue_asks_for_no_drain(instance: dg.DagsterInstance, services: Services) -> None:
    with services.database.begin() as connection:
        pause(connection, QUEUE, by="ada")
    assert look(instance, services, 250).requests == []
    with services.database.begin() as connection:
        resume(connection, QUEUE)
    assert len(look(instance, services, 250).requests) == 3


def start_drain(instance: dg.DagsterInstance, status: dg.DagsterRunStatus) -> dg.DagsterRun:
    """A drain run of that status."""
    definition = dg.Definitions([work], jobs=[job]).resolve_job_def("drain_work")
    return instance.create_run_for_job(definition, tags={DRAIN_TAG: job.name}, status=status)


def status_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def test_a_sensor_launches_what_is_missing_and_marks_it(instance: dg.DagsterInstance, services: Services) -> None:
    requests = look(instance, services, 250).requests
    assert [request.tags[DRAIN_TAG] for request in requests] == ["drain_work"] * 3
    assert all(request.run_key is None for request in requests)


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING])
def test_a_drain_on_its_way_counts_as_up(
    instance: dg.DagsterInstance, services: Services, status: dg.DagsterRunStatus
) -> None:
    start_drain(instance, status)
    assert look(instance, services, 100)[:2] == ([], "100 tasks due, 1 drains up")
    assert len(look(instance, services, 150).requests) == 1


def test_a_drain_counts_as_up_while_its_worker_lives(instance: dg.DagsterInstance, services: Services) -> None:
    run = start_drain(instance, dg.DagsterRunStatus.STARTED)
    with Worker(services.database, QUEUE, run=run.run_id):
        assert look(instance, services, 100)[:2] == ([], "100 tasks due, 1 drains up")
    assert status_of(instance, run) is dg.DagsterRunStatus.STARTED


def test_a_drain_whose_worker_was_killed_is_ended_and_replaced(
    instance: dg.DagsterInstance, services: Services
) -> None:
    run = start_drain(instance, dg.DagsterRunStatus.STARTED)
    with services.database.begin() as connection:
        QUEUE.register_worker(connection, run_id=run.run_id)  # that shows no life, as one that was killed
    assert len(look(instance, services, 1).requests) == 1
    assert status_of(instance, run) is dg.DagsterRunStatus.FAILURE


def test_a_drain_that_never_got_a_worker_is_ended_after_a_while(
    instance: dg.DagsterInstance, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start_drain(instance, dg.DagsterRunStatus.NOT_STARTED)
    instance.report_engine_event("started", run)
    instance.handle_new_event(started_event(run))
    assert look(instance, services, 1).requests == []
    monkeypatch.setattr("orchestration.runtime.drains.REGISTRATION_SECONDS", -1.0)
    assert len(look(instance, services, 1).requests) == 1
    assert status_of(instance, run) is dg.DagsterRunStatus.FAILURE


def started_event(run: dg.DagsterRun) -> dg.EventLogEntry:
    """What a run's process reports first."""
    event = dg.DagsterEvent(dg.DagsterEventType.PIPELINE_START.value, run.job_name)
    return dg.EventLogEntry(  # type: ignore[no-untyped-call]  # Dagster left its constructor unannotated
        error_info=None,
        level="INFO",
        user_message="",
        run_id=run.run_id,
        timestamp=datetime.now(UTC).timestamp(),
        job_name=run.job_name,
        dagster_event=event,
    )


def test_a_drain_that_has_ended_is_replaced(instance: dg.DagsterInstance, services: Services) -> None:
    instance.report_run_canceled(start_drain(instance, dg.DagsterRunStatus.STARTED))
    assert len(look(instance, services, 1).requests) == 1


def test_an_empty_queue_is_skipped(instance: dg.DagsterInstance, services: Services) -> None:
    assert look(instance, services, 0)[:2] == ([], "0 tasks due, 0 drains up")


def test_what_is_due_by_other_signs_is_queued_first(instance: dg.DagsterInstance, services: Services) -> None:
    def queue_one() -> None:
        enqueue(services.database, QUEUE, "found")

    sensor = drain_sensor("work_sensor", job, services, [QUEUE], SCALE, before=queue_one)
    ticked = tick(dg.Definitions([work], jobs=[job], sensors=[sensor]), "work_sensor", instance)
    assert len(ticked.requests) == 1


def test_the_sensor_is_on_by_itself_and_looks_often(services: Services) -> None:
    sensor = drain_sensor("work_sensor", job, services, [QUEUE], SCALE)
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert sensor.minimum_interval_seconds == INTERVAL_SECONDS


WARM = WarmRuns(run_config(work, DrainConfig(idle_seconds=3_000.0)), renew_seconds=3_000.0)


def look_warmly(instance: dg.DagsterInstance, services: Services, depth: int) -> list[bool]:
    """Let a sensor that keeps one drain up look; of each run that it requests, whether it is to stay up."""
    return [bool(request.run_config.get("ops")) for request in look(instance, services, depth, WARM).requests]


def test_the_drains_that_are_kept_up_do_not_end_when_idle_and_those_beyond_do(
    instance: dg.DagsterInstance, services: Services
) -> None:
    assert look_warmly(instance, services, 0) == [True]
    run = start_drain(instance, dg.DagsterRunStatus.STARTED)
    with Worker(services.database, QUEUE, run=run.run_id):
        assert look_warmly(instance, services, 0) == []
        assert look_warmly(instance, services, 250) == [False, False]
    instance.report_run_canceled(run)
    assert look_warmly(instance, services, 0) == [True, False, False]


def test_another_drain_is_up_before_one_that_is_kept_up_ends(instance: dg.DagsterInstance, services: Services) -> None:
    start_drain(instance, dg.DagsterRunStatus.NOT_STARTED)
    assert look_warmly(instance, services, 0) == []
    aged = WarmRuns(WARM.run_config, renew_seconds=-1.0)
    assert len(look(instance, services, 0, aged).requests) == 1
