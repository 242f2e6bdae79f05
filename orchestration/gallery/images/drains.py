"""The drains of the gallery's images: fetching them, and making their renditions.

Both queues are drained in one run. Keep out: what follows from what (`store`), fetching and rendering (`media`).
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from orchestration.media.download import Downloader, DownloadLimits
from orchestration.media.fetcher import ImageFetcher, MirroredImage
from orchestration.media.picture_process import PictureProcess, picture_limits
from orchestration.media.renditions import Rendition, RenditionHandler
from orchestration.work_queue.drain import drain_queue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestration.gallery.gallery import Gallery
    from orchestration.work_queue.options import DrainOptions


async def make_renditions(
    gallery: Gallery,
    on_images: Callable[[Sequence[MirroredImage]], None],
    on_renditions: Callable[[Sequence[Rendition]], None],
    options: DrainOptions,
) -> None:
    """Fetch the images that are due, and make renditions of them and of every other image that waits for some.

    It ends as `options` say for the images, once the renditions are made as well.
    """
    fetching = asyncio.ensure_future(_fetch(gallery, on_images, options))
    await asyncio.gather(fetching, _render(gallery, on_renditions, options, fetching.done))


async def _fetch(gallery: Gallery, on_batch: Callable[[Sequence[MirroredImage]], None], options: DrainOptions) -> None:
    settings = gallery.settings
    limits = DownloadLimits(
        total_seconds=settings.image_timeout_ms / 1000,
        max_bytes=settings.max_image_bytes,
        per_host=settings.image_concurrency,
    )
    async with Downloader(gallery.image_rules, limits=limits) as downloader:
        fetcher = ImageFetcher(
            gallery.database,
            gallery.services.objects,
            downloader,
            max_bytes=settings.max_image_bytes,
            max_pixels=settings.max_image_pixels,
            at_a_time=settings.image_concurrency,
            on_stored=gallery.image_flow.stored,
        )
        await drain_queue(gallery.database, gallery.image_queue, fetcher, on_batch, options)


async def _render(
    gallery: Gallery,
    on_batch: Callable[[Sequence[Rendition]], None],
    options: DrainOptions,
    is_fetched: Callable[[], bool],
) -> None:
    until = partial(_is_done, gallery, is_fetched)
    with PictureProcess(picture_limits(gallery.settings)) as process:
        handler = RenditionHandler(
            gallery.database, gallery.services.objects, process, on_rendered=gallery.image_flow.rendered
        )
        await drain_queue(gallery.database, gallery.rendition_queue, handler, on_batch, options, until=until)


def _is_done(gallery: Gallery, is_fetched: Callable[[], bool]) -> bool:
    if not is_fetched():
        return False
    with gallery.database.connect() as connection:
        counts = gallery.rendition_queue.counts(connection)
    return not (counts.waiting or counts.active)
