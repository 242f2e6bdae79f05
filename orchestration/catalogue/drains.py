"""Working off the catalogue's queues: families, images, variants.

Belongs here: how a queue, a handler and a selection of keys make one drain. Does not: the handlers.

Handlers tell their results after the commit; they are passed on when the drain reports the batch as settled, one batch
at a time, so that an error in a report ends the drain and is seen.

Without keys a drain takes whatever is due, until it stays idle. With keys it queues those first, ahead of the rest,
and ends when each of them is settled; meanwhile it works off what else is in the queue.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from math import inf
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from orchestration.catalogue.drift import DriftWatch
from orchestration.catalogue.images import families_showing, image_states, request_images
from orchestration.catalogue.importer import FamilyImporter, ImportedFamily
from orchestration.media.mirror import ImageMirror
from orchestration.media.renditions import VariantRenderer
from orchestration.work_queue.model import NewTask, Priority, TaskState, WorkerDiedError
from orchestration.work_queue.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from orchestration.catalogue.images import FamilyImages
    from orchestration.catalogue.pipeline import Catalogue
    from orchestration.media.mirror import MirroredImage
    from orchestration.media.renditions import Rendition
    from orchestration.work_queue.drain import Handler
    from orchestration.work_queue.model import Settled
    from orchestration.work_queue.queue import TaskQueue
    from orchestration.work_queue.stopping import StopSignal


T = TypeVar("T")

# A retry that is due sooner than this is waited for by a run that is to leave nothing behind.
PATIENCE_SECONDS = 120.0


class DrainEnd(NamedTuple):
    """When a drain ends. Without `idle_seconds`, as soon as nothing is queued but retries that are far off."""

    stop: StopSignal
    idle_seconds: float | None = None
    max_seconds: float = 3_300.0


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
    results: deque[ImportedFamily] = deque()

    def heard(settled: Sequence[Settled]) -> None:
        imported = [*_take(results), *(_lost_family(one) for one in settled if isinstance(one.error, WorkerDiedError))]
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
            report=results.extend,
        )
        until = (lambda: not _unfinished(catalogue, catalogue.families, pending)) if keys else None
        await _Drain(catalogue, catalogue.families, end).run(importer.handle, heard, until)
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
    results: deque[MirroredImage] = deque()
    settings = catalogue.settings
    async with catalogue.downloader(settings.image_timeout_ms / 1000, settings.image_concurrency) as downloader:
        mirror = ImageMirror(
            catalogue.database,
            catalogue.services.objects,
            downloader,
            catalogue.variants,
            max_bytes=settings.max_image_bytes,
            max_pixels=settings.max_image_pixels,
            report=results.extend,
        )
        drain = _Drain(catalogue, catalogue.images, end)
        await drain.run(mirror.handle, lambda _: follower.heard(_take(results)), follower.until)
    follower.finish()


async def render_image_variants(
    catalogue: Catalogue, report: Callable[[Sequence[Rendition]], None], end: DrainEnd
) -> None:
    """Make the variants that are due."""
    results: deque[Rendition] = deque()
    renderer = VariantRenderer(catalogue.database, catalogue.services.objects, report=results.extend)
    drain = _Drain(catalogue, catalogue.variants, end)
    await drain.run(renderer.handle, lambda _: report(_take(results)))


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


class _Drain(NamedTuple):
    """One drain of one queue."""

    catalogue: Catalogue
    queue: TaskQueue
    end: DrainEnd

    async def run(
        self,
        handle: Handler,
        on_settled: Callable[[Sequence[Settled]], None],
        until: Callable[[], bool] | None = None,
    ) -> None:
        """Drain until `until` says so, or else as the end has it; then forget tasks that ended long ago."""
        if until is None and self.end.idle_seconds is None:
            until = partial(_is_empty, self.catalogue, self.queue)
        idle_seconds = inf if until else self.end.idle_seconds or 0.0
        with Worker(self.catalogue.database, self.queue) as worker:
            self.end.stop.call(worker.stop)
            await worker.drain(
                handle,
                until=until,
                on_settled=on_settled,
                idle_seconds=idle_seconds,
                max_seconds=self.end.max_seconds,
            )
        with self.catalogue.database.begin() as connection:
            self.queue.prune(connection)


def _take(results: deque[T]) -> list[T]:
    return [results.popleft() for _ in range(len(results))]


def _lost_family(lost: Settled) -> ImportedFamily:
    is_final = lost.state is not TaskState.WAITING
    return ImportedFamily(lost.task.key, lost.task.grouping or "", problem=str(lost.error), is_final=is_final)


def _is_empty(catalogue: Catalogue, queue: TaskQueue) -> bool:
    with catalogue.database.connect() as connection:
        counts = queue.counts(connection)
    is_due_soon = counts.next_due_seconds is not None and counts.next_due_seconds < PATIENCE_SECONDS
    return not (counts.waiting or counts.active or is_due_soon)


def _unfinished(catalogue: Catalogue, queue: TaskQueue, keys: Collection[str]) -> set[str]:
    with catalogue.database.connect() as connection:
        return queue.unfinished(connection, keys)


_UNSETTLED = "Not done when the run ended: it is still queued, or another run has it. Look there, or run it again."
