"""Draining the queue of previews: the queue, the render processes and a selection make one drain.

Keep out: what is done with a job (`jobs.handler`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestration.observability.logs import get_logger
from orchestration.previews.film.segments import prune_segments
from orchestration.previews.jobs.rows import forget_jobs
from orchestration.previews.jobs.scratch import clear_leftovers
from orchestration.previews.jobs.states import Counted
from orchestration.work_queue.drain import drain_queue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestration.previews.jobs.handler import RenderedPreview
    from orchestration.previews.previews import Previews
    from orchestration.work_queue.drain import Heartbeat
    from orchestration.work_queue.options import DrainOptions

log = get_logger()


async def render_previews(
    previews: Previews,
    on_batch: Callable[[Sequence[RenderedPreview]], None],
    options: DrainOptions,
    keys: Sequence[str] | None = None,
    heartbeat: Heartbeat | None = None,
) -> None:
    """Render the jobs that are due, or wait for those of `keys`.

    `on_batch` is called after each commit, and at the end once for the keys that this drain did not settle.
    """
    from orchestration.previews.jobs.handler import PreviewHandler, RenderedPreview

    clear_leftovers()
    previews.end_cancelled_jobs()
    forget(previews, datetime.now(UTC))
    # A job that was held ready would wait while another drain is free.
    options = replace(options, concurrency=previews.settings.preview_concurrency, prefetch=0)
    async with previews.maker() as maker:
        handler = PreviewHandler(previews, maker)
        drained = await drain_queue(
            previews.database, previews.preview_queue, handler, on_batch, options, keys=keys, heartbeat=heartbeat
        )
    if drained.unsettled:
        on_batch(
            [RenderedPreview(key, Counted.FAILED, problem=reason) for key, reason in sorted(drained.unsettled.items())]
        )


def forget(previews: Previews, now: datetime) -> None:
    """Forget old jobs and old segments; the artifacts stay."""
    settings = previews.settings
    with previews.database.begin() as connection:
        jobs = forget_jobs(connection, now=now, keep=timedelta(days=settings.preview_keep_days))
    keep = timedelta(days=settings.preview_segment_days)
    segments = prune_segments(previews.services.objects, now=now, keep=keep)
    if jobs or segments:
        log.info("old previews forgotten", jobs=jobs, segments=segments)
