"""Frames as an MP4 that browsers play and seek: H.264, 4:2:0, index first.

Keep out: rendering frames, and other formats (`animation`, `sprite_sheet`).
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

MP4: Final = "video/mp4"
# ISO/IEC 23091-2: primaries, transfer and matrix of BT.709; limited range, as players expect.
_BT709, _LIMITED = 1, 1
# Frames between two that stand by themselves: a viewer that drags along the time line waits for few.
_SEEK_EVERY: Final = 12
# x264's macroblock tree reads memory that nobody has written: with it some encodes in a hundred differ from the others.
_OPTIONS: Final = {"preset": "veryfast", "crf": "20", "profile": "high", "bf": "0", "mbtree": "0"}


def write_video(frames: Iterable[Pixels], *, size: int, frames_per_second: int) -> bytes:
    """Encode square frames of `size` (even) pixels, uint8 of height x width x 3 or more; alpha is not looked at."""
    # A file on disk: to put the index first, FFmpeg reads back by name what it has written.
    with TemporaryDirectory() as folder:
        path = Path(folder) / "turntable.mp4"
        _encode(path, frames, size, frames_per_second)
        return path.read_bytes()


def _encode(path: Path, frames: Iterable[Pixels], size: int, frames_per_second: int) -> None:
    import av
    from av.video.reformatter import Colorspace

    with av.open(path, "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=frames_per_second, options={**_OPTIONS, "g": str(_SEEK_EVERY)})
        stream.width = stream.height = size
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        # One thread: the processes of a drain keep the cores busy as it is.
        context.thread_count = 1
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _LIMITED
        for pixels in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:, :, :3]), format="rgb24")
            converted = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, threads=1)
            container.mux(stream.encode(converted))
        container.mux(stream.encode(None))
