"""However many drains are up or wait, a run of another kind gets a slot, and so does another queue's drain."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon

from orchestration.runtime.drains import DRAIN_TAG
from orchestration.runtime.instance import open_instance
from orchestration.services import Services
from orchestration.settings.fields import MOST_DRAINS
from orchestration_tests.runtime.queued_runs import add_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.settings import Settings

STARTED, QUEUED = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.QUEUED
SLOTS, FOR_DRAINS = 16, 12


@pytest.fixture
def factory(settings: Settings, dagster_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """An instance of the product's own configuration."""
    monkeypatch.setattr(os, "environ", os.environ.copy())
    own = settings.model_copy(update={"dagster_database_url": dagster_url})
    with closing(Services(own)) as services, open_instance(services, {}) as instance:
        yield instance


def add_drain(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, job: str) -> str:
    """A drain run of the job."""
    return add_run(instance, status, job, {DRAIN_TAG: job})


def launched_next(instance: dg.DagsterInstance) -> set[str]:
    """The runs that Dagster's daemon would take from the queue now."""
    daemon = QueuedRunCoordinatorDaemon(interval_seconds=1)
    return {run.run_id for run in daemon._get_runs_to_dequeue(instance, instance.get_concurrency_config(), None)}


def test_the_instance_reads_the_slots_from_the_configuration(factory: dg.DagsterInstance) -> None:
    queue = factory.get_concurrency_config().run_queue_config
    assert queue is not None
    assert queue.max_concurrent_runs == SLOTS
    limits = [limit["limit"] for limit in queue.tag_concurrency_limits]
    assert limits == [FOR_DRAINS, MOST_DRAINS]
    assert {limit["key"] for limit in queue.tag_concurrency_limits} == {DRAIN_TAG}


def test_a_sync_gets_a_slot_though_all_drains_that_may_be_are_up_and_more_wait(factory: dg.DagsterInstance) -> None:
    for number in range(FOR_DRAINS):
        add_drain(factory, STARTED, f"drain_{number % 3}")
    for number in range(20):
        add_drain(factory, QUEUED, f"drain_{number % 3}")
    sync = add_run(factory, QUEUED, "catalogue_sync")
    assert launched_next(factory) == {sync}


def test_one_queues_drains_leave_room_for_those_of_another(factory: dg.DagsterInstance) -> None:
    for _ in range(MOST_DRAINS):
        add_drain(factory, STARTED, "gallery_mirror")
    for _ in range(20):
        add_drain(factory, QUEUED, "gallery_mirror")
    prints = add_drain(factory, QUEUED, "prints_render")
    assert launched_next(factory) == {prints}


def test_drains_take_what_is_left_for_them(factory: dg.DagsterInstance) -> None:
    for _ in range(SLOTS - FOR_DRAINS + 1):
        add_run(factory, STARTED, "catalogue_sync")
    for number in range(20):
        add_drain(factory, QUEUED, f"drain_{number % 4}")
    assert len(launched_next(factory)) == FOR_DRAINS - 1
