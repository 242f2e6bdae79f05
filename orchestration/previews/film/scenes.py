"""Scenes: a page in motion, frame by frame.

Fades, the slow push of pictures, and the bar that shows how far the film is. Keep out: layout (`pages`), encoding.

Each page comes out of the plain background and goes back into it within its own frames. So a stretch depends on nothing
but its own page, and only the step that changed is rendered again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from orchestration.previews.film.canvas import Sprite, background, lay_over, rounded
from orchestration.previews.film.recordings import pictures_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from orchestration.previews.film.canvas import Pixels
    from orchestration.previews.film.design import Box, Colour, Design
    from orchestration.previews.film.pages import Layer, Page, Window

FADE_SECONDS = 0.36
_SHORTEST_HOLD = 0.5
"""Of a stretch, what is neither fading in nor out at least."""
PUSH = 0.045
"""By what share a still picture grows while it is seen."""
_MOST_SEGMENTS = 40


class _Seen(NamedTuple):
    """A layer at a moment."""

    layer: Layer
    opacity: float
    dy: int

    @property
    def is_steady(self) -> bool:
        """Whether it is neither fading nor moving."""
        return self.opacity >= 1 and not self.dy


@dataclass(frozen=True)
class Scene:
    """A page of `frames` frames at `fps`; `step` is its number of `steps`, None for the title card."""

    page: Page
    design: Design
    frames: int
    fps: int
    step: int | None
    steps: int
    videos: Mapping[str, Path]

    def __iter__(self) -> Iterator[Pixels]:
        """Every frame, as RGB; each is the reader's own."""
        streams = [self._stream(window) for window in self.page.windows]
        held: tuple[tuple[int, ...], Pixels] | None = None
        for number in range(self.frames):
            seen = self._seen(number)
            steady = tuple(id(one.layer) for one in seen if one.is_steady)
            if held is None or held[0] != steady:
                held = steady, self._steady(seen)
            yield self._drawn(held[1].copy(), number, seen, [next(stream) for stream in streams])

    def still(self, number: int) -> Pixels:
        """One frame, without those before it but for videos."""
        seen = self._seen(number)
        pixels = [
            _pushed(window, number, self.frames) if window.video is None else _nth(self._stream(window), number)
            for window in self.page.windows
        ]
        return self._drawn(self._steady(seen), number, seen, pixels)

    def _drawn(self, frame: Pixels, number: int, seen: Sequence[_Seen], pixels: Sequence[Pixels]) -> Pixels:
        """Draw what moves over a frame that has what is steady."""
        for one in seen:
            if not one.is_steady:
                lay_over(frame, one.layer.sprite, opacity=one.opacity, dy=one.dy)
        for window, shown in zip(self.page.windows, pixels, strict=True):
            sprite = Sprite(shown, self._covers[window.box.width, window.box.height], window.box.x, window.box.y)
            lay_over(frame, sprite, opacity=self._opacity(number, 0, self.frames))
        for layer in self.page.layers:
            if not layer.fades and layer.first <= number < layer.end:
                lay_over(frame, layer.sprite)
        self._draw_bar(frame, number)
        return frame

    @cached_property
    def quiet(self) -> int:
        """The number of a frame in which nothing fades: the middle of the first card."""
        texts = [layer for layer in self.page.layers if layer.fades]
        end = min((layer.end for layer in texts if layer.end > 0), default=self.frames)
        return min(self.frames - 1, max(0, min(end, self.frames) // 2))

    @cached_property
    def _background(self) -> Pixels:
        palette = self.design.palette
        return background(self.design.width, self.design.height, palette.top, palette.bottom)

    def _steady(self, seen: Sequence[_Seen]) -> Pixels:
        frame = self._background.copy()
        for one in seen:
            if one.is_steady:
                lay_over(frame, one.layer.sprite)
        return frame

    def _seen(self, number: int) -> list[_Seen]:
        """The layers that fade, at a moment; captions are drawn over everything, and stand apart."""
        shown = [layer for layer in self.page.layers if layer.fades and layer.first <= number < layer.end]
        return [self._at(layer, number) for layer in shown]

    def _at(self, layer: Layer, number: int) -> _Seen:
        opacity = self._opacity(number, layer.first, layer.end)
        is_entering = number - layer.first < (layer.end - layer.first) / 2
        return _Seen(layer, opacity, round(layer.rise * (1 - opacity)) if is_entering else 0)

    def _opacity(self, number: int, first: int, end: int) -> float:
        """From 0 to 1 and back, smoothly."""
        fade = min(FADE_SECONDS * self.fps, (end - first) * (1 - _SHORTEST_HOLD) / 2)
        if fade < 1:
            return 1.0
        share = min(1.0, (number - first + 1) / fade, (end - number) / fade)
        return share * share * (3 - 2 * share)

    def _stream(self, window: Window) -> Iterator[Pixels]:
        if window.video is not None:
            size = window.box.width, window.box.height
            return pictures_at(self.videos[window.video], window.video, self.fps, size)
        return (_pushed(window, number, self.frames) for number in range(self.frames))

    @cached_property
    def _covers(self) -> dict[tuple[int, int], Pixels]:
        windows = self.page.windows
        return {(one.box.width, one.box.height): rounded(one.box.width, one.box.height, one.radius) for one in windows}

    def _draw_bar(self, frame: Pixels, number: int) -> None:
        """One segment a step: those that are over are full, the present one fills."""
        if not self.steps:
            return
        bar, palette = self.design.bar, self.design.palette
        parts = self.steps if self.steps <= _MOST_SEGMENTS else 1
        gap = self.design.px(8) if parts > 1 else 0
        done = 0.0 if self.step is None else self.step + (number + 1) / self.frames
        done = done * parts / self.steps
        width = (bar.width - gap * (parts - 1)) / parts
        for part in range(parts):
            left = bar.x + part * (width + gap)
            _fill(frame, bar, (left, left + width), palette.track)
            if done > part:
                _fill(frame, bar, (left, left + width * min(1.0, done - part)), palette.accent)


def _pushed(window: Window, number: int, frames: int) -> Pixels:
    """A still picture that slowly comes nearer, by parts of a pixel."""
    import cv2

    if window.still is None:
        raise TypeError("A window shows a still picture or a video")
    width, height = window.box.width, window.box.height
    factor = 1 + PUSH * number / max(1, frames - 1)
    shift = (1 - factor) / 2
    matrix = np.array([[factor, 0, shift * width], [0, factor, shift * height]], np.float32)
    moved = cv2.warpAffine(
        window.still, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, np.uint8)


def _nth(pixels: Iterator[Pixels], number: int) -> Pixels:
    return next(islice(pixels, number, None))


def _fill(frame: Pixels, bar: Box, span: tuple[float, float], colour: Colour) -> None:
    """Fill a stretch of the bar; its right end covers a part of a pixel."""
    left, right = round(span[0]), span[1]
    whole = int(right)
    rows = np.s_[bar.y : bar.y + bar.height]
    frame[rows, left:whole] = colour
    if (part := right - whole) > 0 and whole < frame.shape[1] and whole >= left:
        under = frame[rows, whole].astype(np.float32)
        frame[rows, whole] = np.rint(under * (1 - part) + np.array(colour, np.float32) * part).astype(np.uint8)
