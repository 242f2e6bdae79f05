"""The state machine of render jobs: all 25 pairs of states, by the service and by plain SQL."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.errors import ConflictError, InvalidInputError
from orchestration.mockups.jobs.model import JobChange, NewJob, StatusUpdate
from orchestration.mockups.statuses import PERCENT, STEPS, JobStatus
from orchestration_tests.mockups.jobs.conftest import Clock, Jobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestration.storage.database import Database

C, R = JobStatus.COMPOSITING, JobStatus.RENDERING
PATHS = {
    JobStatus.PENDING: (),
    C: (C,),
    R: (C, R),
    JobStatus.COMPLETED: (C, R, JobStatus.COMPLETED),
    JobStatus.FAILED: (C, JobStatus.FAILED),
}
MOVES: dict[str, Callable[[Jobs, str, JobStatus], object]] = {
    "status update": lambda jobs, job_id, status: jobs.update_status(job_id, status),
    "generic update": lambda jobs, job_id, status: jobs.update([JobChange(job_id, status=status)]),
}


def job_in(jobs: Jobs, status: JobStatus) -> str:
    job_id = jobs.create(NewJob("A1-1000", "chest-medium")).id
    for step in PATHS[status]:
        jobs.update_status(job_id, step)
    return job_id


def test_the_steps_are_those_of_the_requirements() -> None:
    assert {(former.value, new.value) for former, reachable in STEPS.items() for new in reachable} == {
        ("pending", "compositing"),
        ("pending", "failed"),
        ("compositing", "rendering"),
        ("compositing", "failed"),
        ("rendering", "completed"),
        ("rendering", "failed"),
    }


@pytest.mark.parametrize("move", MOVES)
def test_each_of_the_25_pairs_is_a_step_a_stay_or_refused(jobs: Jobs, move: str) -> None:
    for former, wanted in product(JobStatus, JobStatus):
        job_id = job_in(jobs, former)
        before = jobs.retrieve(job_id)
        if wanted in STEPS[former]:
            MOVES[move](jobs, job_id, wanted)
            assert jobs.retrieve(job_id).status is wanted
        elif wanted is former:
            MOVES[move](jobs, job_id, wanted)
            assert jobs.retrieve(job_id) == before
        else:
            kind = ConflictError if former.is_terminal else InvalidInputError
            with pytest.raises(kind, match=f"{job_id}.*{former.value}.*{wanted.value}"):
                MOVES[move](jobs, job_id, wanted)
            assert jobs.retrieve(job_id) == before


def test_plain_sql_cannot_write_a_state_out_of_order(jobs: Jobs) -> None:
    times = "started_at = coalesce(started_at, now()), completed_at = CASE WHEN :ends THEN now() END"
    statement = sa.text(f"UPDATE render_job SET status = :status, {times} WHERE id = :id")  # noqa: S608 - as above
    for former, wanted in product(JobStatus, JobStatus):
        job_id = job_in(jobs, former)
        values = {"id": job_id, "status": wanted.value, "ends": wanted.is_terminal}
        if wanted is former or wanted in STEPS[former]:
            with jobs.connection.begin_nested() as savepoint:
                jobs.connection.execute(statement, values)
                savepoint.rollback()
        else:
            with pytest.raises(sa.exc.IntegrityError, match="may not go from"), jobs.connection.begin_nested():
                jobs.connection.execute(statement, values)
        assert jobs.retrieve(job_id).status is former


def test_plain_sql_cannot_begin_with_another_state_than_pending(jobs: Jobs) -> None:
    insert = sa.text(
        "INSERT INTO render_job (id, product_id, preset, status, started_at) VALUES ('x', 'p', 'q', :s, now())"
    )
    for status in (C, R):
        with pytest.raises(sa.exc.IntegrityError, match="may not begin"), jobs.connection.begin_nested():
            jobs.connection.execute(insert, {"s": status})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    walk=st.lists(
        st.tuples(st.sampled_from(JobStatus), st.one_of(st.none(), st.floats(0, 100, allow_nan=False))), max_size=12
    )
)
def test_on_any_walk_the_job_is_where_the_legal_steps_have_taken_it(
    database: Database, walk: list[tuple[JobStatus, float | None]]
) -> None:
    with database.begin() as connection:
        jobs, clock = Jobs(connection, Clock()), Clock()
        job = jobs.create(NewJob("A1-1000", "chest-medium"))
        status, progress = job.status, job.progress
        for wanted, percent in walk:
            clock.wait(seconds=1)
            update = StatusUpdate() if percent is None else StatusUpdate(metadata={"progress": percent})
            try:
                job = jobs.update_status(job.id, wanted, update)
            except (ConflictError, InvalidInputError):
                assert wanted is not status
                assert wanted not in STEPS[status]
                continue
            assert wanted is status or wanted in STEPS[status]
            assert job.status is wanted
            assert job.progress >= (PERCENT[wanted] if wanted.is_terminal else progress)
            assert (job.completed_at is None) is not wanted.is_terminal
            status, progress = job.status, job.progress
