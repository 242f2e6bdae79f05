"""Render jobs that the tests of their service begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestration.mockups.jobs.model import NewJob, StatusUpdate
from orchestration.mockups.statuses import JobStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.mockups.jobs.model import RenderJob
    from orchestration_tests.mockups.jobs.conftest import Clock, Jobs

SHIRT = NewJob("A1-1000", "chest-medium", design_file_url="https://shop.example/uploads/design.png")


def ids(jobs: Sequence[RenderJob]) -> list[str]:
    return [job.id for job in jobs]


def many(jobs: Jobs, clock: Clock, number: int, **fields: Any) -> list[str]:  # noqa: ANN401 - fields of NewJob
    """So many jobs, a minute apart, oldest first."""
    made = []
    for _ in range(number):
        made.append(jobs.create(NewJob(**{"product_id": "A1-1000", "preset": "chest-medium"} | fields)).id)
        clock.wait(minutes=1)
    return made


def moved(jobs: Jobs, job_id: str, *steps: JobStatus) -> RenderJob:
    for step in steps:
        jobs.update_status(job_id, step)
    return jobs.retrieve(job_id)


def failed(jobs: Jobs, new: NewJob = SHIRT) -> RenderJob:
    job = jobs.create(new)
    return jobs.update_status(job.id, JobStatus.FAILED, StatusUpdate(error_message="no cloth"))
