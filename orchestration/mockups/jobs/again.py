"""Rendering a SKU's newest job again: what a backfill asks for.

A job that has ended never moves again, so rendering it again is a new job with the same inputs that makes every file
again, even those that are there. One that has not ended is rendered as it is. Keep out: retries, which the service has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from orchestration.mockups.jobs.model import RENDERED_AGAIN_FROM, JobFilters
from orchestration.mockups.jobs.service import RenderJobs, copy_of
from orchestration.mockups.queues import render_task
from orchestration.work_queue.model import Priority

if TYPE_CHECKING:
    from collections.abc import Collection

    import sqlalchemy as sa

    from orchestration.mockups.jobs.model import RenderJob
    from orchestration.mockups.mockups import Mockups


def render_again(connection: sa.Connection, mockups: Mockups, skus: Collection[str]) -> dict[str, str | None]:
    """Queue the newest job of each SKU, or a new one like it, ahead of others; its id, None where there is none."""
    jobs = RenderJobs(connection, mockups.link, mockups.clock)
    found: dict[str, str | None] = dict.fromkeys(skus)
    for sku in found:
        newest = jobs.list_jobs(JobFilters(sku=sku, limit=1))
        if newest:
            found[sku] = _queued(connection, mockups, jobs, newest[0])
    return found


def _queued(connection: sa.Connection, mockups: Mockups, jobs: RenderJobs, job: RenderJob) -> str:
    if job.status.is_terminal:
        options = msgspec.structs.replace(job.options, is_fresh=True)
        job = jobs.create(copy_of(job, {RENDERED_AGAIN_FROM: job.id}, options=options))
    mockups.render_queue.enqueue(connection, [render_task(job.id, job.sku, Priority.HIGH)])
    return job.id
