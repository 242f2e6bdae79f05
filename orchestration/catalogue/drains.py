"""The drains of the catalogue's queues: families, images, renditions.

Each joins a queue, a handler and the settings. Keep out: the handlers.

Without keys a drain takes what is due. With keys it queues those first, ahead of the rest, and ends when each of them
is settled; meanwhile it also handles what else is in the queue.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestration.catalogue.drift.drift import DriftWatch
from orchestration.catalogue.families.images import families_showing, image_states, request_images
from orchestration.catalogue.families.importer import FamilyHandler, ImportedFamily
from orchestration.catalogue.feed.sync_items import ItemKind, settle_forgotten, settle_images
from orchestration.media.fetcher import ImageFetcher, MirroredImage, StoredImages
from orchestration.media.picture_process import PictureProcess, picture_limits
from orchestration.media.renditions import Rendition, RenditionHandler
from orchestration.work_queue.drain import drain_queue
from orchestration.work_queue.model import NewTask, Priority, TaskState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import sqlalchemy as sa

    from orchestration.catalogue.catalogue import Catalogue
    from orchestration.catalogue.families.images import FamilyImages
    from orchestration.work_queue.model import Settled
    from orchestration.work_queue.options import DrainOptions


async def import_families(
    catalogue: Catalogue,
    on_batch: Callable[[Sequence[ImportedFamily]], None],
    options: DrainOptions,
    keys: Sequence[str] | None = None,
) -> None:
    """Import the families that are due, or those of `keys` even if their hash is known.

    `on_batch` is called after each commit, and at the end once for the keys that this drain did not settle.
    """
    if keys is not None:
        tasks = [NewTask(key, {"sync": None, "force": True}, priority=Priority.HIGH) for key in keys]
        with catalogue.database.begin() as connection:
            catalogue.family_queue.enqueue(connection, tasks)
    settings = catalogue.settings
    options = replace(options, concurrency=settings.family_concurrency)
    async with catalogue.downloader(settings.family_timeout_ms / 1000) as downloader:
        handler = FamilyHandler(
            catalogue.database,
            downloader,
            catalogue.image_queue,
            DriftWatch(),
            max_document_bytes=settings.max_document_bytes,
        )
        drained = await drain_queue(catalogue.database, catalogue.family_queue, handler, on_batch, options, keys=keys)
    with catalogue.database.begin() as connection:
        settle_forgotten(connection, ItemKind.FAMILY, catalogue.family_queue)
    if drained.unsettled:
        on_batch([ImportedFamily(key, "", problem=reason) for key, reason in drained.unsettled.items()])


async def mirror_images(
    catalogue: Catalogue,
    on_images: Callable[[Sequence[MirroredImage]], None],
    on_families: Callable[[Sequence[FamilyImages]], None],
    options: DrainOptions,
    keys: Sequence[str] | None = None,
) -> None:
    """Mirror the images that are due, or request all images of the families in `keys` again.

    A drain that is to leave nothing behind also waits for the images of families that are being imported meanwhile.
    `on_images` is called after each commit, `on_families` with each family whose images are all settled.
    """
    follower = _FamilyFollower(catalogue, on_families, keys)

    def on_batch(images: Sequence[MirroredImage]) -> None:
        on_images(images)
        follower.mirrored(images)

    def queue_renditions(connection: sa.Connection, images: StoredImages) -> None:
        catalogue.rendition_queue.enqueue(connection, [NewTask(digest) for digest in images.new])

    settings = catalogue.settings
    # While the last images of a claim arrive, the next claim's are asked for.
    options = replace(options, concurrency=2)
    async with catalogue.downloader(settings.image_timeout_ms / 1000) as downloader:
        fetcher = ImageFetcher(
            catalogue.database,
            catalogue.services.objects,
            downloader,
            max_bytes=settings.max_image_bytes,
            max_pixels=settings.max_image_pixels,
            at_a_time=settings.image_concurrency,
            on_stored=queue_renditions,
            on_settled=_count_images,
        )
        await drain_queue(
            catalogue.database, catalogue.image_queue, fetcher, on_batch, options,
            until=follower.until, feeders=[catalogue.family_queue],
        )  # fmt: skip
    with catalogue.database.begin() as connection:
        settle_forgotten(connection, ItemKind.IMAGE, catalogue.image_queue)
    follower.finish()


async def make_renditions(
    catalogue: Catalogue, on_batch: Callable[[Sequence[Rendition]], None], options: DrainOptions
) -> None:
    """Make the renditions that are due."""
    with PictureProcess(picture_limits(catalogue.settings)) as process:
        handler = RenditionHandler(catalogue.database, catalogue.services.objects, process)
        await drain_queue(catalogue.database, catalogue.rendition_queue, handler, on_batch, options)


def _count_images(connection: sa.Connection, settled: Sequence[Settled]) -> None:
    """Count images that have ended, in the syncs that wait for them."""
    final = [one for one in settled if one.state is not TaskState.WAITING]
    settle_images(connection, {one.task.key: one.error is not None for one in final})


class _FamilyFollower:
    """Follows the families whose images a drain mirrors, and reports each one when its last image is settled."""

    def __init__(
        self,
        catalogue: Catalogue,
        on_families: Callable[[Sequence[FamilyImages]], None],
        keys: Sequence[str] | None,
    ) -> None:
        self._catalogue = catalogue
        self._on_families = on_families
        self._pending = None if keys is None else set(keys)
        self.until = None if keys is None else self._is_done
        if keys:
            with catalogue.database.begin() as connection:
                request_images(connection, catalogue.image_queue, keys)
            self._look(keys)

    def mirrored(self, mirrored: Sequence[MirroredImage]) -> None:
        """Look at the families that show these images."""
        with self._catalogue.database.connect() as connection:
            showing = families_showing(connection, [image.url for image in mirrored if image.is_final])
        self._look(showing if self._pending is None else [key for key in showing if key in self._pending])

    def _is_done(self) -> bool:
        self._look(sorted(self._pending or ()))
        return not self._pending

    def finish(self) -> None:
        """Report what is left of the keys as it stands."""
        if self._pending:
            self._on_families(self._states(sorted(self._pending)))

    def _look(self, a_numbers: Sequence[str]) -> None:
        settled = [state for state in self._states(a_numbers) if state.is_settled]
        if self._pending is not None:
            self._pending.difference_update(state.a_number for state in settled)
        if settled:
            self._on_families(settled)

    def _states(self, a_numbers: Sequence[str]) -> list[FamilyImages]:
        with self._catalogue.database.connect() as connection:
            return image_states(connection, self._catalogue.image_queue, a_numbers)
