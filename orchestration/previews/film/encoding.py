"""Encoding: a stretch of frames to a segment, segments and sound to a film.

Codecs, containers, colour tags. Keep out: frames (`scenes`), samples (`sound`), and which segments are kept
(`segments`).

Each segment is encoded by itself, begins with a key frame and has no frame that refers to a later one. All of a film
are encoded alike, so that their packets make one stream when they follow each other, with nothing encoded again.
Colours are converted by BT.709, and the streams say so.
"""

from __future__ import annotations

import time
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from orchestration.errors import PermanentError
from orchestration.previews.film.recordings import CHANNELS, RATE
from orchestration.previews.payload.model import OutputFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from orchestration.previews.film.canvas import Pixels
    from orchestration.previews.film.recordings import Samples

_BT709: Final = 1
_LIMITED_RANGE: Final = 1
_KEY_SECONDS: Final = 2
_SOUND_BLOCK: Final = 960
_SOUND_BITS: Final = 160_000
_THREADS: Final = 2


class Codec(NamedTuple):
    """How a format is encoded."""

    container: str
    video: str
    audio: str
    sample_format: str
    options: dict[str, str]
    container_options: dict[str, str]


CODECS: Final = {
    OutputFormat.MP4: Codec(
        "mp4",
        "libx264",
        "aac",
        "fltp",
        {
            "preset": "superfast",
            "crf": "18",
            "bf": "0",
            "profile": "high",
            # Half of the bytes again, at a tenth of the time: it weighs what later frames show again.
            "x264-params": "mbtree=1:rc-lookahead=5",
        },
        {"movflags": "+faststart"},
    ),
    OutputFormat.WEBM: Codec(
        "webm",
        "libvpx-vp9",
        "libopus",
        "flt",
        {"deadline": "realtime", "cpu-used": "7", "crf": "29", "b": "0", "row-mt": "1", "lag-in-frames": "0"},
        {},
    ),
}


class MixedCodecsError(PermanentError):
    """Segments were encoded differently, and cannot follow each other in one stream."""


def encode_segment(
    frames: Iterable[Pixels],
    path: Path,
    *,
    codec: Codec,
    size: tuple[int, int],
    fps: int,
    on_frame: Callable[[], None],
) -> float:
    """Encode frames into a file of their own; returns the CPU seconds that it took, drawing included."""
    import av

    started = time.process_time()
    with av.open(str(path), "w", format=codec.container) as container:
        stream: Any = container.add_stream(codec.video, rate=fps, options=dict(codec.options))
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = Fraction(1, fps)
        context.gop_size = fps * _KEY_SECONDS
        context.thread_count = _THREADS
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _LIMITED_RANGE
        for number, pixels in enumerate(frames):
            frame = _video_frame(pixels)
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(stream.encode(frame))
            on_frame()
        container.mux(stream.encode(None))
    return time.process_time() - started


def _video_frame(pixels: Pixels) -> Any:  # noqa: ANN401 - PyAV's frame
    import av

    frame = av.VideoFrame.from_ndarray(_planes(pixels), format="yuv420p")
    frame.color_primaries = frame.color_trc = frame.colorspace = _BT709
    frame.color_range = _LIMITED_RANGE
    return frame


def _planes(pixels: Pixels) -> Pixels:
    """Luma and halved chroma by ITU-R BT.709 in limited range, one under the other; chroma is the mean of four."""
    import cv2

    height, width = pixels.shape[:2]
    luma, *chroma = cv2.split(cv2.transform(pixels, _TO_YUV))
    half = width // 2, height // 2
    halved = [cv2.resize(plane, half, interpolation=cv2.INTER_AREA).ravel() for plane in chroma]
    return np.asarray(np.concatenate((luma.ravel(), *halved)).reshape(-1, width), np.uint8)


def _bt709() -> NDArray[np.float64]:
    """From RGB of 8 bits to Y'CbCr, with the offsets in the last column (ITU-R BT.709-6, items 3.2 to 3.4)."""
    luma = np.array([0.2126, 0.7152, 0.0722])
    blue, red = (np.eye(3)[one] - luma for one in (2, 0))
    rows = 219 * luma, 224 * blue / (2 * (1 - luma[2])), 224 * red / (2 * (1 - luma[0]))
    return np.column_stack((np.array(rows) / 255, [16.0, 128.0, 128.0]))


_TO_YUV: Final = _bt709()


def assemble(
    segments: Sequence[tuple[Path, int]],
    sound: Samples,
    path: Path,
    *,
    codec: Codec,
    fps: int,
    title: str,
) -> None:
    """Write the film: the segments, each with its number of frames, and the sound, interleaved.

    Raises `MixedCodecsError` for segments that do not belong together or hold another number of frames.
    """
    import av

    with av.open(str(path), "w", format=codec.container, options=codec.container_options) as film:
        film.metadata["title"] = title
        with av.open(str(segments[0][0])) as first:
            video: Any = film.add_stream_from_template(first.streams.video[0])
            described = bytes(first.streams.video[0].codec_context.extradata or b"")
        audio: Any = film.add_stream(codec.audio, rate=RATE)
        audio.codec_context.layout, audio.codec_context.format = "stereo", codec.sample_format
        audio.codec_context.bit_rate = _SOUND_BITS
        frame = written = 0
        for segment, frames in segments:
            _copy_packets(film, video, segment, described, first_frame=frame, frames=frames, fps=fps)
            frame += frames
            until = min(len(sound), round(frame * RATE / fps))
            _write_sound(film, audio, sound[written:until], at=written)
            written = until
        film.mux(audio.encode(None))


def _copy_packets(
    film: Any,  # noqa: ANN401 - PyAV's classes
    video: Any,  # noqa: ANN401
    segment: Path,
    described: bytes,
    *,
    first_frame: int,
    frames: int,
    fps: int,
) -> None:
    import av

    count = 0
    with av.open(str(segment)) as source:
        stream = source.streams.video[0]
        if bytes(stream.codec_context.extradata or b"") != described:
            raise MixedCodecsError(f"{segment.name} was encoded by another version; clear the cache of segments")
        for packet in source.demux(stream):
            if not packet.size:
                continue
            packet.stream = video
            packet.time_base = Fraction(1, fps)
            packet.pts = packet.dts = first_frame + count
            packet.duration = 1
            film.mux(packet)
            count += 1
    if count != frames:
        raise MixedCodecsError(f"{segment.name} holds {count} frames instead of {frames}")


def _write_sound(film: Any, audio: Any, sound: Samples, *, at: int) -> None:  # noqa: ANN401 - PyAV's classes
    import av

    for start in range(0, len(sound), _SOUND_BLOCK):
        block = np.ascontiguousarray(sound[start : start + _SOUND_BLOCK])
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="flt", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, at + start, Fraction(1, RATE)
        film.mux(audio.encode(frame))


def silence(seconds: float) -> Samples:
    """So many seconds without a sound."""
    return np.zeros((round(seconds * RATE), CHANNELS), np.float32)
