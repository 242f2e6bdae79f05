"""Working off the queues of the gallery's images: fetching them, and making their variants.

Belongs here: how the two queues are worked off in one run. Does not: what follows from what (`store`), fetching and
rendering (`media`).
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from orchestration.media.download import Downloader, DownloadLimits
from orchestration.media.mirror import ImageMirror, MirroredImage
from orchestration.media.renditions import Rendition, VariantRenderer
from orchestration.work_queue.running import DrainEnd, QueueRun, Results

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestration.gallery.gallery import Gallery


async def make_image_variants(
    gallery: Gallery,
    report_images: Callable[[Sequence[MirroredImage]], None],
    report_variants: Callable[[Sequence[Rendition]], None],
    end: DrainEnd,
) -> None:
    """Fetch the images that are due, and make variants of them and of whatever else waits for some.

    Ends as `end` has it for the images, once the variants are made as well. The reports hear of each batch once it is
    committed.
    """
    fetching = asyncio.ensure_future(_fetch(gallery, report_images, end))
    await asyncio.gather(fetching, _render(gallery, report_variants, end, fetching.done))


async def _fetch(gallery: Gallery, report: Callable[[Sequence[MirroredImage]], None], end: DrainEnd) -> None:
    results = Results[MirroredImage]()
    settings = gallery.settings
    limits = DownloadLimits(
        total_seconds=settings.image_timeout_ms / 1000,
        max_bytes=settings.max_image_bytes,
        per_host=settings.image_concurrency,
    )
    async with Downloader(gallery.image_rules, limits=limits) as downloader:
        mirror = ImageMirror(
            gallery.database,
            gallery.services.objects,
            downloader,
            gallery.variants,
            max_bytes=settings.max_image_bytes,
            max_pixels=settings.max_image_pixels,
            report=results.add,
            stored=gallery.pictures.stored,
        )
        run = QueueRun(gallery.database, gallery.images, end)
        await run.drain(mirror.handle, lambda _: report(results.take()))


async def _render(
    gallery: Gallery, report: Callable[[Sequence[Rendition]], None], end: DrainEnd, no_more: Callable[[], bool]
) -> None:
    results = Results[Rendition]()
    renderer = VariantRenderer(
        gallery.database, gallery.services.objects, report=results.add, rendered=gallery.pictures.rendered
    )
    run = QueueRun(gallery.database, gallery.variants, end)
    until = partial(_is_done, gallery, no_more)
    await run.drain(renderer.handle, lambda _: report(results.take()), until)


def _is_done(gallery: Gallery, no_more: Callable[[], bool]) -> bool:
    if not no_more():
        return False
    with gallery.database.connect() as connection:
        counts = gallery.variants.counts(connection)
    return not (counts.waiting or counts.active)
