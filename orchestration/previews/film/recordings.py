"""Audio and video files from outside: what they are, their sound as samples, their pictures at a constant rate.

Opening them safely, and decoding with bounds. Keep out: downloads (`assets`), and what is done with them (`sound`,
`scenes`).

A file is opened only as the container that its first bytes show, so that no playlist leads a demuxer to other files or
to the network.
"""

from __future__ import annotations

from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from orchestration.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from orchestration.previews.film.canvas import Pixels

    Samples = NDArray[np.float32]

RATE: Final = 48_000
CHANNELS: Final = 2
MOST_PIXELS: Final = 4096 * 2304
_HEAD: Final = 16
_FULL_SCALE: Final = 32_768.0


class Recording(NamedTuple):
    """The facts of a file: seconds of sound (0 without), and of pictures with their size and rate (0 without)."""

    container: str
    sound_seconds: float
    picture_seconds: float
    width: int
    height: int
    fps: float
    codecs: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """The longer of the two."""
        return max(self.sound_seconds, self.picture_seconds)


def container_of(head: bytes) -> str | None:
    """The demuxer for the first bytes of a file; None for what is not taken."""
    if head[4:8] == b"ftyp":
        return "mov"
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "wav"
    signatures = {
        b"\x1a\x45\xdf\xa3": "matroska", b"OggS": "ogg", b"fLaC": "flac", b"ID3": "mp3",
    }  # fmt: skip
    for signature, name in signatures.items():
        if head.startswith(signature):
            return name
    if len(head) > 1 and head[0] == 0xFF:  # noqa: PLR2004 - the sync word of MPEG audio
        return "aac" if head[1] & 0xF6 == 0xF0 else "mp3" if head[1] & 0xE0 == 0xE0 else None  # noqa: PLR2004
    return None


@contextmanager
def _opened(path: Path, name: str) -> Iterator[Any]:
    import av

    with path.open("rb") as file:
        container = container_of(file.read(_HEAD))
    if container is None:
        raise InvalidInputError(
            f"{name} is no audio or video that is taken; send MP4, WebM, WAV, MP3, FLAC, Ogg or AAC"
        )
    try:
        with av.open(str(path), format=container, options={"protocol_whitelist": "file"}) as opened:
            yield opened
    except (av.FFmpegError, EOFError) as error:
        raise InvalidInputError(f"{name} cannot be decoded: {error}; export it again") from error


def read_sound(path: Path, name: str, into: Path, longest_seconds: float) -> tuple[float, bool]:
    """Decode the sound of a file into `into`, 16-bit stereo at `RATE`; its seconds, and whether it went on after them.

    Decoding ends after `longest_seconds`, however long the file says that it is. A file without sound gives 0 seconds.
    Raises `InvalidInputError` for what cannot be decoded.
    """
    import av

    most, count = round(longest_seconds * RATE), 0
    with _opened(path, name) as opened, into.open("wb") as file:
        if not opened.streams.audio:
            return 0.0, False
        resampler = av.AudioResampler(format="s16", layout="stereo", rate=RATE)
        for frame in _frames(opened, opened.streams.audio[0]):
            for part in resampler.resample(frame):
                file.write(part.to_ndarray().tobytes())
                count += part.samples
            if count > most:
                break
    return min(count, most) / RATE, count > most


def samples_of(path: Path, seconds: float) -> Samples:
    """The first samples of what `read_sound` wrote, from -1 to 1; shape (samples, 2)."""
    wanted = np.fromfile(path, np.int16, count=round(seconds * RATE) * CHANNELS).reshape(-1, CHANNELS)
    return wanted.astype(np.float32) / np.float32(_FULL_SCALE)


def _frames(opened: Any, stream: Any) -> Iterator[Any]:  # noqa: ANN401 - PyAV's classes of streams
    """The frames of a stream; a broken packet is passed over, and a file that breaks off ends."""
    import av

    stream.thread_type = "AUTO"
    broken = 0
    for packet in opened.demux(stream):
        try:
            yield from packet.decode()
        except av.FFmpegError:
            broken += 1
            if broken > 100:  # noqa: PLR2004 - a file that is noise
                raise


def inspect_video(path: Path, name: str, longest_seconds: float) -> Recording:
    """The facts of a video; raises `InvalidInputError` for one without pictures, or with too large ones."""
    with _opened(path, name) as opened:
        if not opened.streams.video:
            raise InvalidInputError(f"{name} has no pictures; send it as an audio asset")
        stream = opened.streams.video[0]
        if stream.width * stream.height > MOST_PIXELS:
            raise InvalidInputError(
                f"{name} measures {stream.width} x {stream.height} pixels; send one of {MOST_PIXELS} at most"
            )
        stated = stream.duration * stream.time_base if stream.duration else Fraction(opened.duration or 0, 1_000_000)
        sound = opened.streams.audio
        codecs = (stream.codec_context.name, *(one.codec_context.name for one in sound))
        seconds = min(float(stated), longest_seconds)
        rate = float(stream.average_rate or 0)
        turned = _rotation(opened) % 180 != 0
        width, height = (stream.height, stream.width) if turned else (stream.width, stream.height)
        return Recording(opened.format.name, seconds if sound else 0.0, seconds, width, height, rate, codecs)


def _rotation(opened: Any) -> int:  # noqa: ANN401 - PyAV's container
    """The degrees by which a phone says that its pictures are turned."""
    for frame in opened.decode(video=0):
        opened.seek(0)
        return int(frame.rotation or 0)
    return 0


def pictures_at(path: Path, name: str, fps: int, size: tuple[int, int]) -> Iterator[Pixels]:
    """The pictures of a video at a constant rate and a size (width, height), as RGB, without end.

    At each moment the latest picture is given whose time has come; the last one is held.
    """
    current: Pixels | None = None
    number = 0
    with _opened(path, name) as opened:
        stream = opened.streams.video[0]
        start: float | None = None
        for frame in _frames(opened, stream):
            start = frame.time if start is None else start
            # Half a frame early counts as due: rates that nearly agree must not make one picture stand twice.
            while current is not None and (frame.time - start) > (number + 0.5) / fps:
                yield current
                number += 1
            current = _upright(frame, size)
    if current is None:
        raise InvalidInputError(f"{name} has no picture that can be decoded; export it again")
    while True:
        yield current


def _upright(frame: Any, size: tuple[int, int]) -> Pixels:  # noqa: ANN401 - PyAV's frame
    import cv2

    turns = int(frame.rotation or 0) // 90 % 4
    pixels = np.rot90(frame.to_ndarray(format="rgb24"), turns)
    shrinks = pixels.shape[1] > size[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(pixels), size, interpolation=method), np.uint8)
