"""The files of one turn: they play, seek and meet, and hold as many frames as were asked for."""

from __future__ import annotations

import io
import re
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from PIL import Image

from orchestration.mockups.fabrics import Colour
from orchestration.mockups.mockup_request import AnimationFormat
from orchestration.mockups.turntables.animation import write_animation
from orchestration.mockups.turntables.sprite_sheet import sprite_sheet, viewer_page
from orchestration.mockups.turntables.video import write_video

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

BACKDROP = (238, 240, 242, 255)
SIZE, COUNT = 96, 24


def turning(count: int = COUNT, size: int = SIZE) -> list[Pixels]:
    """A red square that goes around once."""
    frames = []
    for number in range(count):
        frame = np.full((size, size, 4), BACKDROP, np.uint8)
        x = round(size * (0.5 + 0.3 * np.cos(2 * np.pi * number / count)))
        y = round(size * (0.5 + 0.3 * np.sin(2 * np.pi * number / count)))
        frame[y - 8 : y + 8, x - 8 : x + 8] = (200, 30, 40, 255)
        frames.append(frame)
    return frames


@pytest.fixture(scope="module")
def video() -> bytes:
    return write_video(turning(), size=SIZE, frames_per_second=24)


def decoded(body: bytes) -> list[Pixels]:
    with av.open(io.BytesIO(body), "r") as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def test_the_encoder_does_nothing_that_differs_from_run_to_run(video: bytes) -> None:
    """x264 writes its options into the stream; its macroblock tree reads memory that nobody has written."""
    assert b" threads=1 " in video
    assert b" mbtree=0 " in video
    assert {write_video(turning(), size=SIZE, frames_per_second=24) for _ in range(5)} == {video}


def test_frame_count_duration_and_pixel_format_are_right(video: bytes) -> None:
    with av.open(io.BytesIO(video)) as container:
        (stream,) = container.streams
        assert isinstance(stream, av.VideoStream)
        assert stream.frames == COUNT
        assert stream.average_rate == 24
        assert float((stream.duration or 0) * (stream.time_base or 0)) == pytest.approx(1.0)
        context = stream.codec_context
        assert (context.name, context.pix_fmt, context.width, context.height) == ("h264", "yuv420p", SIZE, SIZE)


def test_colours_are_tagged_as_bt709_in_limited_range(video: bytes) -> None:
    with av.open(io.BytesIO(video)) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)


def test_the_index_comes_before_the_pictures(video: bytes) -> None:
    assert 0 < video.index(b"moov") < video.index(b"mdat")


def test_frames_come_back_in_order_with_their_colours(video: bytes) -> None:
    frames = decoded(video)
    assert len(frames) == COUNT
    for shown, drawn in zip(frames, turning(), strict=True):
        assert np.abs(shown.astype(int) - drawn[:, :, :3]).mean() < 2
    corner = frames[0][4, 4].astype(int)
    assert np.abs(corner - BACKDROP[:3]).max() <= 3


def test_the_last_frame_meets_the_first(video: bytes) -> None:
    frames = [frame.astype(int) for frame in decoded(video)]
    steps = [np.abs(after - before).mean() for before, after in pairwise(frames)]
    assert np.abs(frames[0] - frames[-1]).mean() <= 1.5 * max(steps)


def test_a_seek_needs_no_more_than_half_a_second_of_frames() -> None:
    body = write_video(turning(48), size=SIZE, frames_per_second=24)
    with av.open(io.BytesIO(body), "r") as container:
        keys = [index for index, packet in enumerate(container.demux(video=0)) if packet.is_keyframe and packet.size]
    assert keys == [0, 12, 24, 36]


def test_a_failing_renderer_fails_the_video() -> None:
    def frames() -> Iterator[Pixels]:
        yield turning()[0]
        raise RuntimeError("the raster has a hole")

    with pytest.raises(RuntimeError, match="hole"):
        write_video(frames(), size=SIZE, frames_per_second=24)


@pytest.mark.parametrize("form", AnimationFormat)
def test_the_animated_picture_goes_around_for_ever_in_the_videos_time(form: AnimationFormat) -> None:
    body = write_animation(turning(), form, seconds=1.0)
    with Image.open(io.BytesIO(body)) as picture:
        assert (picture.format, picture.size, picture.info.get("loop", 0)) == (form.upper(), (SIZE, SIZE), 0)
        durations = []
        for number in range(picture.n_frames):  # type: ignore[attr-defined]
            picture.seek(number)
            picture.load()
            durations.append(picture.info["duration"])
    assert len(durations) == COUNT
    assert sum(durations) == 1000
    time.sleep(1.01)  # a second of which the time of making would tell
    assert write_animation(turning(), form, seconds=1.0) == body


@pytest.mark.parametrize(("count", "grid"), [(1, (1, 1)), (12, (4, 3)), (36, (6, 6)), (37, (7, 6))])
def test_the_sprite_sheet_holds_every_frame_in_its_place(count: int, grid: tuple[int, int]) -> None:
    frames = turning(count, 48)
    sheet = sprite_sheet(frames)
    assert (sheet.columns, sheet.rows, sheet.sprites, sheet.cell) == (*grid, count, 48)
    for number, frame in enumerate(frames):
        row, column = divmod(number, sheet.columns)
        assert (sheet.pixels[row * 48 : (row + 1) * 48, column * 48 : (column + 1) * 48] == frame).all()


def test_the_viewer_is_a_page_of_a_few_kilobytes_that_runs_nothing_of_a_title() -> None:
    title = '</title><script>alert("1")</script>'
    page = viewer_page(
        sprite_sheet(turning(12, 32)), 'a"b&c.webp', title=title, background=Colour(1, 2, 3), seconds=3.0
    ).decode()
    assert len(page) < 4096
    assert "<script>alert" not in page
    assert 'data-sheet="a&quot;b&amp;c.webp"' in page
    assert re.search(r"count = 12, columns = 4, rows = 3", page)
    assert "$" not in page
