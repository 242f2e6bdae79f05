"""A drain that is killed at any step leaves a job that is consistent, and that the next drain finishes once."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from orchestration.mockups.mockup_request import OutputKind, RenderMode
from orchestration.mockups.mockups import Mockups
from orchestration.mockups.statuses import JobStatus
from orchestration.mockups.tasks.recorder import JobRecorder
from orchestration.mockups.tasks.steps import step_of
from orchestration.mockups.views.angles import ANGLES
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.storage.objects import ObjectStore
from orchestration_tests.mockups.drawing import sketch
from orchestration_tests.mockups.rendering import ALL_FILES, count, drain, look, made, order

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestration.storage.database import Database

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["orchestration_tests.mockups.tasks.test_kill", "alembic.command", "obstore.store"])

POINTS: dict[str, tuple[type, str]] = {
    "begin": (JobRecorder, "begin"),
    "keep": (JobRecorder, "keep"),
    "end": (JobRecorder, "end"),
    "store": (ObjectStore, "put_once"),
}
# Where it is killed: before or after which call, and how often that has gone well before.
DEATHS = [
    ("before", "begin", 0), ("after", "begin", 0),
    ("before", "store", 0), ("after", "store", 0), ("before", "keep", 0), ("after", "keep", 0),
    ("after", "keep", 3), ("before", "store", 8), ("after", "keep", 7),
    ("before", "end", 0), ("after", "end", 0),
]  # fmt: skip

STEPS = {"Anna composites", "Anna turntables", *(f"Anna stills {angle}" for angle in ANGLES)}


def drain_and_die(values: dict[str, Any], when: str, point: str, survived: int) -> None:
    """Drain in this process until it is killed at that point."""
    owner, name = POINTS[point]
    setattr(owner, name, _dying(getattr(owner, name), when, survived))
    services = Services(Settings(**values))
    drain(Mockups(services, sketch))


def _dying(method: Callable[..., Any], when: str, survived: int) -> Callable[..., Any]:
    calls = Counter[str]()

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - stands for any method
        calls["begun"] += 1
        if when == "before" and calls["begun"] > survived:
            die()
        result = method(*args, **kwargs)
        calls["done"] += 1
        if when == "after" and calls["done"] > survived:
            die()
        return result

    async def call_async(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        calls["begun"] += 1
        if when == "before" and calls["begun"] > survived:
            die()
        result = await method(*args, **kwargs)
        calls["done"] += 1
        if when == "after" and calls["done"] > survived:
            die()
        return result

    return call_async if method.__name__ == "put_once" else call


@pytest.mark.parametrize(("when", "point", "survived"), DEATHS)
def test_a_killed_job_is_consistent_and_finished_by_the_next_drain(
    mockups: Mockups, database: Database, when: str, point: str, survived: int
) -> None:
    job = order(mockups, "Anna")
    process = _processes.Process(target=drain_and_die, args=(mockups.settings.model_dump(), when, point, survived))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert_consistent(mockups, database)
    before = made(mockups)
    kept = steps_written(database)

    drain(mockups)

    done = look(mockups, job.id)
    assert (done.status, done.progress) == (JobStatus.COMPLETED, 100)
    assert_consistent(mockups, database)
    assert count(database, "SELECT count(*) FROM render_output") == ALL_FILES
    assert count(database, "SELECT count(DISTINCT object_key) FROM render_output") == ALL_FILES
    # What was written before is not made again.
    again = made(mockups)[len(before) :]
    assert sorted(again) == sorted(STEPS - kept)
    assert len(mockups.services.objects.sizes("mockups")) == ALL_FILES


def steps_written(database: Database) -> set[str]:
    """The steps whose outputs have rows, as the process that makes them notes them."""
    with database.connect() as connection:
        rows = connection.execute(sa.text("SELECT kind, angle FROM render_output")).all()
    return {" ".join(["Anna", *filter(None, step_of(OutputKind(row.kind), row.angle))]) for row in rows}


def assert_consistent(mockups: Mockups, database: Database) -> None:
    """Every row that there is has its object, and no job has a time or a state that it may not have."""
    with database.connect() as connection:
        rows = connection.execute(sa.text("SELECT object_key, bytes FROM render_output")).all()
        [job] = connection.execute(sa.text("SELECT status, started_at, completed_at FROM render_job")).all()
    assert all(mockups.services.objects.size(row.object_key) == row.bytes for row in rows)
    assert (job.started_at is None) is (job.status == "pending")
    assert (job.completed_at is None) is (job.status != "completed")
    assert not rows or job.status in {"rendering", "completed"}


def test_the_last_attempt_fails_the_job_in_the_transaction_that_settles_its_task(
    mockups: Mockups, database: Database
) -> None:
    job = order(mockups, "Anna", mode=RenderMode.IMAGES_ONLY)
    for attempt in range(1, 4):
        values = mockups.settings.model_dump()
        process = _processes.Process(target=drain_and_die, args=(values, "after", "keep", 0))
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        assert look(mockups, job.id).status is not JobStatus.FAILED, attempt
    drain(mockups)
    failed = look(mockups, job.id)
    assert failed.status is JobStatus.FAILED
    assert "died" in (failed.error_message or "")
    assert count(database, "SELECT count(*) FROM task WHERE state = 'dead'") == 1
