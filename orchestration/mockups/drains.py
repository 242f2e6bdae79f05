"""Draining the queue of render jobs: the queue, the render processes and a selection make one drain.

Without a selection a drain takes what is due, until it stays idle. With one it renders the newest job of each SKU
again, ahead of the rest, and ends when each of these is settled; meanwhile it takes other due jobs too. Keep out: what
is done with a batch (`tasks.handler`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestration.media.download import Downloader, DownloadLimits
from orchestration.mockups.jobs.again import render_again
from orchestration.mockups.jobs.pending import fail_ended_jobs, queue_due_jobs
from orchestration.mockups.tasks.outcomes import RenderedJob, Rendering
from orchestration.mockups.tasks.pool import StagePool
from orchestration.mockups.views.engine import EngineOptions
from orchestration.work_queue.drain import UNSETTLED, drain_queue
from orchestration.work_queue.options import StopReason

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from orchestration.mockups.mockups import Mockups
    from orchestration.work_queue.options import DrainOptions

# While one batch is recorded, the other renders.
BATCHES = 2
NO_JOB = "It has no render job; submit one with `orchestration mockups submit`"


async def render_mockups(
    mockups: Mockups,
    on_batch: Callable[[Sequence[RenderedJob]], None],
    drain: DrainOptions,
    skus: Collection[str] | None = None,
) -> None:
    """Render the jobs that are due, or the newest one of each of these SKUs again.

    `on_batch` is called after each commit, and at the end once for what was selected and not settled by this drain.
    """
    from orchestration.mockups.tasks.designs import JobDesigns
    from orchestration.mockups.tasks.handler import RenderHandler

    selected = _enqueue(mockups, skus)
    keys = None if selected is None else [job_id for job_id in selected.values() if job_id]
    settings = mockups.settings
    limits = DownloadLimits(total_seconds=settings.image_timeout_ms / 1000, max_bytes=settings.max_image_bytes)
    async with Downloader(mockups.design_rules, limits=limits) as downloader:
        with _pool(mockups) as pool:
            handler = RenderHandler(mockups, pool, JobDesigns(mockups.services.objects, downloader))
            drain = replace(drain, concurrency=BATCHES)
            result = await drain_queue(mockups.database, mockups.render_queue, handler, on_batch, drain, keys=keys)
    # What a drain that was asked to stop leaves queued is not lost.
    is_stopped = result.reason is StopReason.STOPPED
    left = {key: why for key, why in result.unsettled.items() if not (is_stopped and why == UNSETTLED)}
    if unsettled := _unsettled(selected or {}, left):
        on_batch(unsettled)


def _enqueue(mockups: Mockups, skus: Collection[str] | None) -> dict[str, str | None] | None:
    """Queue what is due, or the newest job of each SKU ahead of it; the job of each SKU, None for one without."""
    with mockups.database.begin() as connection:
        fail_ended_jobs(connection, mockups.render_queue, mockups.clock())
        queue_due_jobs(connection, mockups.render_queue)
        return None if skus is None else render_again(connection, mockups, skus)


def _pool(mockups: Mockups) -> StagePool:
    settings = mockups.settings
    options = EngineOptions(settings.home.absolute() / "mockups" / "passes", settings.mockup_blender)
    seconds = 60 * settings.mockup_timeout_minutes
    return StagePool(mockups.make, settings.mockup_concurrency, options=options, seconds=seconds)


def _unsettled(selected: Mapping[str, str | None], left: Mapping[str, str]) -> list[RenderedJob]:
    without = [RenderedJob("", sku, Rendering.FAILED, problem=NO_JOB) for sku, job_id in selected.items() if not job_id]
    by_job = {job_id: sku for sku, job_id in selected.items() if job_id}
    return without + [RenderedJob(key, by_job[key], Rendering.FAILED, problem=why) for key, why in left.items()]
