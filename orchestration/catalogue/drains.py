"""Working off the catalogue's queues: families, images, variants.

Belongs here: how a queue, a handler and a selection of keys make one drain. Does not: the handlers.

Without keys a drain takes whatever is due, until it stays idle. With keys it queues those first, ahead of the rest,
and ends when each of them is settled; meanwhile it works off what else is in the queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.catalogue.drift import DriftWatch
from orchestration.catalogue.images import families_showing, image_states, request_images
from orchestration.catalogue.importer import FamilyImporter, ImportedFamily
from orchestration.media.mirror import ImageMirror, MirroredImage
from orchestration.media.renditions import Rendition, VariantRenderer
from orchestration.work_queue.model import NewTask, Priority, TaskState, WorkerDiedError
from orchestration.work_queue.running import DrainEnd, QueueRun, Results

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from orchestration.catalogue.images import FamilyImages
    from orchestration.catalogue.pipeline import Catalogue
    from orchestration.work_queue.model import Settled
    from orchestration.work_queue.queue import TaskQueue


async def import_families(
    catalogue: Catalogue,
    report: Callable[[Sequence[ImportedFamily]], None],
    end: DrainEnd,
    keys: Sequence[str] | None = None,
) -> None:
    """Import the families that are due, or those of `keys` whatever their hash says.

    `report` hears of each batch once it is committed, and in the end of every family of `keys`.
    """
    pending = set(keys or ())
    results = Results[ImportedFamily]()

    def heard(settled: Sequence[Settled]) -> None:
        imported = [*results.take(), *(_lost_family(one) for one in settled if isinstance(one.error, WorkerDiedError))]
        catalogue.tally.add_families(imported)
        pending.difference_update(family.a_number for family in imported if family.is_final)
        report(imported)

    if keys:
        tasks = [NewTask(key, {"sync": None, "force": True}, priority=Priority.HIGH) for key in keys]
        with catalogue.database.begin() as connection:
            catalogue.families.enqueue(connection, tasks)
    settings = catalogue.settings
    async with catalogue.downloader(settings.family_timeout_ms / 1000, settings.family_concurrency) as downloader:
        importer = FamilyImporter(
            catalogue.database,
            downloader,
            catalogue.images,
            DriftWatch(),
            max_document_bytes=settings.max_document_bytes,
            report=results.add,
        )
        until = (lambda: not _unfinished(catalogue, catalogue.families, pending)) if keys else None
        await QueueRun(catalogue.database, catalogue.families, end).drain(importer.handle, heard, until)
    report([ImportedFamily(key, "", problem=_UNSETTLED) for key in sorted(pending)])


async def mirror_images(
    catalogue: Catalogue,
    report: Callable[[Sequence[FamilyImages]], None],
    end: DrainEnd,
    keys: Sequence[str] | None = None,
) -> None:
    """Mirror the images that are due, or ask for all images of the families in `keys` anew.

    `report` hears of each family whose images are all settled.
    """
    follower = _FamilyFollower(catalogue, report, keys)
    results = Results[MirroredImage]()
    settings = catalogue.settings
    async with catalogue.downloader(settings.image_timeout_ms / 1000, settings.image_concurrency) as downloader:
        mirror = ImageMirror(
            catalogue.database,
            catalogue.services.objects,
            downloader,
            catalogue.variants,
            max_bytes=settings.max_image_bytes,
            max_pixels=settings.max_image_pixels,
            report=results.add,
        )
        run = QueueRun(catalogue.database, catalogue.images, end)
        await run.drain(mirror.handle, lambda _: follower.heard(results.take()), follower.until)
    follower.finish()


async def render_image_variants(
    catalogue: Catalogue, report: Callable[[Sequence[Rendition]], None], end: DrainEnd
) -> None:
    """Make the variants that are due."""
    results = Results[Rendition]()
    renderer = VariantRenderer(catalogue.database, catalogue.services.objects, report=results.add)
    run = QueueRun(catalogue.database, catalogue.variants, end)
    await run.drain(renderer.handle, lambda _: report(results.take()))


class _FamilyFollower:
    """Follows the families whose images a drain mirrors, and reports each one when its last image is settled."""

    def __init__(
        self,
        catalogue: Catalogue,
        report: Callable[[Sequence[FamilyImages]], None],
        keys: Sequence[str] | None,
    ) -> None:
        self._catalogue = catalogue
        self._report = report
        self._pending = None if keys is None else set(keys)
        self.until = None if keys is None else self._is_done
        if keys:
            with catalogue.database.begin() as connection:
                request_images(connection, catalogue.images, keys)
            self._look(keys)

    def heard(self, mirrored: Sequence[MirroredImage]) -> None:
        """Count a batch of images, and look at the families that show them."""
        self._catalogue.tally.add_images(mirrored)
        with self._catalogue.database.connect() as connection:
            showing = families_showing(connection, [image.url for image in mirrored if image.is_final])
        self._look(showing if self._pending is None else [key for key in showing if key in self._pending])

    def _is_done(self) -> bool:
        self._look(sorted(self._pending or ()))
        return not self._pending

    def finish(self) -> None:
        """Report what is left of the keys as it stands."""
        if self._pending:
            self._report(self._states(sorted(self._pending)))

    def _look(self, a_numbers: Sequence[str]) -> None:
        settled = [state for state in self._states(a_numbers) if state.is_settled]
        if self._pending is not None:
            self._pending.difference_update(state.a_number for state in settled)
        if settled:
            self._report(settled)

    def _states(self, a_numbers: Sequence[str]) -> list[FamilyImages]:
        with self._catalogue.database.connect() as connection:
            return image_states(connection, self._catalogue.images, a_numbers)


def _lost_family(lost: Settled) -> ImportedFamily:
    is_final = lost.state is not TaskState.WAITING
    return ImportedFamily(lost.task.key, lost.task.grouping or "", problem=str(lost.error), is_final=is_final)


def _unfinished(catalogue: Catalogue, queue: TaskQueue, keys: Collection[str]) -> set[str]:
    with catalogue.database.connect() as connection:
        return queue.unfinished(connection, keys)


_UNSETTLED = "Not done when the run ended: it is still queued, or another run has it. Look there, or run it again."
