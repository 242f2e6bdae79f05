"""The files of a turntable: video, poster, animated picture, sprite sheet and viewer of one row of frames, and a model.

Keep out: rendering frames (`views`), and the formats (`video`, `animation`, `sprite_sheet`, `model`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np

from orchestration.mockups.fabrics import Colour
from orchestration.mockups.mockup_request import OutputKey, OutputKind, output
from orchestration.mockups.pixels import PNG, png, webp
from orchestration.mockups.turntables.animation import MIME, WEBP, write_animation
from orchestration.mockups.turntables.model import GLB, TEXTURE_SIDE, garment_glb
from orchestration.mockups.turntables.sprite_sheet import sprite_sheet, viewer_page
from orchestration.mockups.turntables.video import MP4, write_video

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from orchestration.mockups.composites.compositing import Composite
    from orchestration.mockups.mockup_request import MockupRequest, Output
    from orchestration.mockups.views.engine import Engine

    Pixels = NDArray[np.uint8]

HTML: Final = "text/html"
STUDIO: Final = Colour(238, 240, 242)
"""What the garment turns before unless an opaque background is asked for: videos have no alpha."""
_ANIMATION_SIDE, _CELL_SIDE = 360, 320
_MOST_SPRITES: Final = 36
_SHEET_QUALITY: Final = 78


def make_turntable(
    composite: Composite, engine: Engine, request: MockupRequest, background: Colour | None
) -> Iterator[Output]:
    """Render one turn, and write it in every form; the first frame is the poster."""
    started, sizes = time.perf_counter(), request.pictures
    backdrop = background if background and background.is_opaque else STUDIO
    small = _SmallFrames(sizes.frames)
    frames = engine.frames(
        composite.artwork, sizes.frames, size=sizes.turntable, background=backdrop.rgb, samples=sizes.samples
    )
    video = write_video(small.passing(frames), size=sizes.turntable, frames_per_second=sizes.frames_per_second)
    seconds = sizes.frames / sizes.frames_per_second
    facts: dict[str, object] = {**versions(composite, engine), "frames": sizes.frames, "seconds": seconds}
    square = sizes.turntable, sizes.turntable
    yield output(OutputKey(OutputKind.TURNTABLE), video, MP4, square, started=started, facts=facts)
    started = time.perf_counter()
    yield output(OutputKey(OutputKind.POSTER), png(small.first), PNG, square, started=started, facts=facts)
    yield from _small_forms(composite, small, request, backdrop, facts)
    started = time.perf_counter()
    body = garment_glb(composite.artwork)
    yield output(OutputKey(OutputKind.MODEL), body, GLB, (TEXTURE_SIDE, TEXTURE_SIDE), started=started,
                 facts=versions(composite, engine))  # fmt: skip


def versions(composite: Composite, engine: Engine) -> dict[str, object]:
    """What a rendered picture depends on beside the request, and the size that it shows."""
    return {
        "garment_size": composite.size.name,
        "garment_version": composite.garment.version,
        "renderer_version": engine.version,
    }


def _small_forms(
    composite: Composite, small: _SmallFrames, request: MockupRequest, backdrop: Colour, facts: dict[str, object]
) -> Iterator[Output]:
    started, seconds = time.perf_counter(), request.pictures.frames / request.pictures.frames_per_second
    animation = write_animation(small.animation, request.animation, seconds=seconds)
    side = small.animation[0].shape[0]
    yield output(
        OutputKey(OutputKind.ANIMATION), animation, MIME[request.animation], (side, side), started=started, facts=facts
    )
    started = time.perf_counter()
    sheet = sprite_sheet(small.sprites)
    size = int(sheet.pixels.shape[1]), int(sheet.pixels.shape[0])
    facts = {**facts, "columns": sheet.columns, "rows": sheet.rows, "sprites": sheet.sprites}
    body = webp(sheet.pixels[:, :, :3], _SHEET_QUALITY)
    picture = output(OutputKey(OutputKind.SPRITE_SHEET), body, WEBP, size, started=started, facts=facts)
    yield picture
    started = time.perf_counter()
    page = viewer_page(sheet, picture.name, title=composite.garment.name, background=backdrop, seconds=seconds)
    yield output(OutputKey(OutputKind.VIEWER), page, HTML, (sheet.cell, sheet.cell), started=started, facts=facts)


class _SmallFrames:
    """Keeps what the small forms need of frames that pass by, so that the large ones are never all in memory."""

    def __init__(self, count: int) -> None:
        self.first: Pixels = np.empty((0, 0, 4), np.uint8)
        self.animation: list[Pixels] = []
        self.sprites: list[Pixels] = []
        kept = min(count, _MOST_SPRITES)
        self._kept = frozenset(round(number * count / kept) for number in range(kept))

    def passing(self, frames: Iterator[Pixels]) -> Iterator[Pixels]:
        """Hand the frames on."""
        for number, frame in enumerate(frames):
            if number == 0:
                self.first = frame
            if number in self._kept:
                self.animation.append(_shrunk(frame, _ANIMATION_SIDE))
                self.sprites.append(_shrunk(frame, _CELL_SIDE))
            yield frame


def _shrunk(frame: Pixels, side: int) -> Pixels:
    import cv2

    if frame.shape[0] <= side:
        return frame
    small: Pixels = np.asarray(cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA))
    return small
