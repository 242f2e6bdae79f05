"""Rendering pictures in a process that can be killed, within seconds and memory.

It bounds what one picture from outside may cost, beside what its header announces. Keep out: how renditions are drawn
(`encodings`), and the pool of processes (`rendering.pool`).

A header says how many pixels there are, and not how long they take: a picture of a few kilobytes can keep a decoder
busy for minutes. Whatever a picture does to the process, the next one gets another.
"""

from __future__ import annotations

import asyncio
import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from orchestration.media.encodings import (
    BLUR,
    DEFAULT_RENDITIONS,
    EncodedRendition,
    data_url,
    encode_renditions,
    preview_data_url,
)
from orchestration.media.image_problems import ImageProblem, InvalidImageError
from orchestration.media.image_rules import MAX_PIXELS
from orchestration.rendering.errors import TimeLimitError
from orchestration.rendering.pool import ProcessPool

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from orchestration.settings import Settings

_OWN_MEMORY = Path("/proc/self/statm")
_DATA_PAGES = 5  # proc(5): size, resident, shared, text, lib, data


class PictureLimits(NamedTuple):
    """What one picture may cost: seconds from its begin, and bytes of memory beside what the process has anyway.

    `max_pixels` is as for taking it in, so that what was taken in is rendered too.
    """

    seconds: float = 60.0
    memory_bytes: int = 2**30
    max_pixels: int = MAX_PIXELS


def picture_limits(settings: Settings) -> PictureLimits:
    """The limits as the settings say."""
    return PictureLimits(settings.image_render_seconds, settings.image_render_mb * 2**20, settings.max_image_pixels)


class RenderedPicture(NamedTuple):
    """The renditions of a picture, and its blurred placeholder as a data URL."""

    renditions: list[EncodedRendition]
    blur: str


class PictureProcess:
    """One process between entering and leaving, started when the first picture comes.

    It draws one picture at a time, for one event loop or for callers that have none.
    """

    def __init__(self, limits: PictureLimits) -> None:
        self._limits = limits
        self._pool = ProcessPool(1, preload=["orchestration.media.picture_process"])

    def __enter__(self) -> Self:
        self._pool.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.__exit__(kind, error, trace)

    async def render(self, body: bytes, item: str) -> RenderedPicture:
        """Make the renditions of a picture; `item` names it.

        Raises InvalidImageError for what cannot be decoded, or not within the seconds, and KilledError when the process
        died of it.
        """
        limits = self._limits
        try:
            return await self._pool.run(_render, body, limits, item=item, seconds=limits.seconds)
        except TimeLimitError:
            reason = f"the image took longer than {limits.seconds:g} s and was given up"
            raise InvalidImageError(ImageProblem.TOO_SLOW, reason, item) from None

    def preview(self, body: bytes, item: str, *, size: int, max_bytes: int) -> str:
        """Wait for the picture as a small data URL, as `preview_data_url` makes it; also where an event loop runs.

        Raises `OrchestrationError` for what cannot be decoded, or not within the limits.
        """
        limits = self._limits
        drawing = self._pool.run(_preview, body, size, max_bytes, limits, item=item, seconds=limits.seconds)
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, drawing).result()


def _preview(body: bytes, size: int, max_bytes: int, limits: PictureLimits) -> str:
    _limit_memory(limits.memory_bytes)
    return preview_data_url(body, size=size, max_pixels=limits.max_pixels, max_bytes=max_bytes)


def _render(body: bytes, limits: PictureLimits) -> RenderedPicture:
    _limit_memory(limits.memory_bytes)
    *renditions, blur = encode_renditions(body, (*DEFAULT_RENDITIONS, BLUR), max_pixels=limits.max_pixels)
    return RenderedPicture(renditions, data_url(blur))


def _limit_memory(further_bytes: int) -> None:
    """Let this process have so much more memory than it has now; nothing where the system does not say."""
    if not _OWN_MEMORY.exists():
        return
    has = int(_OWN_MEMORY.read_text().split()[_DATA_PAGES]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = has + further_bytes
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
