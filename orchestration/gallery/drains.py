"""The drain of the gallery's mirror.

It joins queue, handler and settings. Keep out: the handler, and the drains of images (`images.drains`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestration.gallery.mirror import MirrorEffect, MirrorHandler, MirrorResult
from orchestration.gallery.queues import MirrorOp, mirror_task
from orchestration.work_queue.drain import drain_queue
from orchestration.work_queue.model import Priority

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestration.gallery.gallery import Gallery
    from orchestration.work_queue.drain import Heartbeat
    from orchestration.work_queue.options import DrainOptions


async def drain_mirror(
    gallery: Gallery,
    on_batch: Callable[[Sequence[MirrorResult]], None],
    options: DrainOptions,
    keys: Sequence[str] | None = None,
    heartbeat: Heartbeat | None = None,
) -> None:
    """Mirror the items that are due, or those of `keys` whether or not they changed.

    `on_batch` is called after each commit, and at the end once for the keys that this drain did not settle.
    """
    if keys is not None:
        with gallery.database.begin() as connection:
            gallery.mirror_queue.enqueue(connection, [mirror_task(key, priority=Priority.HIGH) for key in keys])
    follow = gallery.image_flow.follow if gallery.settings.gallery_image_hosts else None
    handler = MirrorHandler(gallery.database, gallery.mirror_queue, base_url=gallery.media_url, follow=follow)
    options = replace(options, concurrency=gallery.settings.mirror_concurrency)
    drained = await drain_queue(
        gallery.database, gallery.mirror_queue, handler, on_batch, options, keys=keys, heartbeat=heartbeat
    )
    if drained.unsettled:
        on_batch(
            [
                MirrorResult(key, MirrorOp.UPSERT, MirrorEffect.FAILED, problem=reason)
                for key, reason in drained.unsettled.items()
            ]
        )
