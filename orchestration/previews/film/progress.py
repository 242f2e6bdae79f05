"""How far a film is, passed from one process to another through a small file.

Stages and frames into the file, and out of it. Keep out: who wants to know.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_EVERY_SECONDS = 0.25
# What share of a film's time the frames take; the rest is fetching before and joining after.
_FRAMES_FROM, _FRAMES_TO = 8.0, 92.0


class Progress(NamedTuple):
    """The stage, how many percent are done, and how many seconds are left, if that can be said."""

    stage: str
    percent: float
    eta_seconds: float | None = None


class ProgressFile:
    """Writes the progress of one film into `path`, if it is given, a few times a second."""

    def __init__(self, path: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._total = self._done = 0
        self._started = self._written = clock()

    def begin_frames(self, total: int) -> None:
        """From now on frames are drawn, so many in all."""
        self._total, self._started = total, self._clock()
        self.stage("frames", _FRAMES_FROM)

    def add(self, frames: int) -> None:
        """So many more frames are done."""
        self._done += frames
        now = self._clock()
        if now - self._written >= _EVERY_SECONDS:
            share = self._done / max(1, self._total)
            left = (now - self._started) * (1 - share) / share
            percent = _FRAMES_FROM + (_FRAMES_TO - _FRAMES_FROM) * share
            self._write(Progress("frames", round(percent, 1), round(left, 1)))

    def stage(self, name: str, percent: float) -> None:
        """A stage begins."""
        self._write(Progress(name, percent))

    def _write(self, progress: Progress) -> None:
        self._written = self._clock()
        if self._path is not None:
            part = self._path.with_suffix(".part")
            part.write_bytes(msgspec.json.encode(progress))
            part.replace(self._path)  # so that nobody reads half of it


def read_progress(path: Path) -> Progress | None:
    """What was written last; None before."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Progress)
    except FileNotFoundError:
        return None
