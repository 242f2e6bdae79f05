"""From a payload to made files: fetch the assets, and make the film in a process that can be killed.

One way for the command and the worker. Keep out: jobs and their states (`jobs`), and making itself (`film`).
"""

from __future__ import annotations

import resource
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from orchestration.media.download import Downloader, DownloadLimits
from orchestration.previews.assets import AssetLimits, fetch_assets
from orchestration.previews.film.film import make_film, make_storyboard
from orchestration.previews.film.order import FilmOrder
from orchestration.rendering.pool import ProcessPool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from orchestration.media.rules import HostRules
    from orchestration.previews.film.order import FilmReport, Storyboard
    from orchestration.previews.payload.model import PreviewJob

    Result = TypeVar("Result")

MEMORY_BYTES = 6 * 2**30
"""What a render process may map for itself: a 4K film of ten minutes takes a third of it."""
PROGRESS_FILE = "progress"
_PRELOADED = (
    "orchestration.previews.maker", "av", "cv2", "numpy", "scipy.signal", "scipy.ndimage", "pyvips",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MakerOptions:
    """How films are made: within `seconds` each, `longest_seconds` long at most."""

    rules: HostRules
    seconds: float
    longest_seconds: float
    fonts: tuple[Path, ...] = ()
    segments_url: str | None = None
    limits: AssetLimits = field(default_factory=AssetLimits)


class FilmMaker:
    """Makes films in so many processes, between entering and leaving; `make` replaces what makes a film."""

    def __init__(
        self, options: MakerOptions, processes: int, make: Callable[[FilmOrder], FilmReport] = make_film
    ) -> None:
        self._options = options
        self._make = make
        self._pool = ProcessPool(processes, preload=[*_PRELOADED, make.__module__])
        limits = DownloadLimits(max_bytes=options.limits.recording)
        self._downloader = Downloader(options.rules, limits=limits)

    async def __aenter__(self) -> Self:
        self._pool.__enter__()
        await self._downloader.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._downloader.__aexit__(kind, error, trace)
        self._pool.__exit__(kind, error, trace)

    async def film(self, job: PreviewJob, folder: Path) -> FilmReport:
        """Make the film of a job, with all files in `folder`.

        Raises:
            InvalidInputError: the payload or an asset cannot be used; trying again changes nothing.
            TransientError: an asset could not be had, the time was up, or the process died.

        """
        order = await self._order(job, folder)
        return await self._run(self._make, order)

    async def storyboard(self, job: PreviewJob, folder: Path) -> Storyboard:
        """Think the film of a job through; raises as `film` does."""
        order = await self._order(job, folder)
        return await self._run(make_storyboard, order)

    async def _order(self, job: PreviewJob, folder: Path) -> FilmOrder:
        options = self._options
        allow_files = options.rules.root is not None
        fetched = await fetch_assets(
            job.preview_request, self._downloader, folder, options.limits, allow_files=allow_files
        )
        return FilmOrder(
            job,
            fetched.files,
            fetched.track,
            folder,
            options.longest_seconds,
            options.fonts,
            options.segments_url,
            folder / PROGRESS_FILE,
        )

    async def _run(self, function: Callable[[FilmOrder], Result], order: FilmOrder) -> Result:
        item = f"preview {order.job.job_id}"
        return await self._pool.run(run_bounded, function, order, item=item, seconds=self._options.seconds)


def run_bounded(function: Callable[[FilmOrder], Result], order: FilmOrder) -> Result:
    """Call a function in this process, which from then on maps no more than `MEMORY_BYTES`."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    return function(order)
