"""The proof of a film: what was made is measured, and compared with what was planned.

Measurements of the finished file. Keep out: making it, and what follows from a failed proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from orchestration.errors import TransientError
from orchestration.previews.film.loudness import SILENT, loudness
from orchestration.previews.film.recordings import CHANNELS, RATE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from orchestration.previews.film.canvas import Pixels
    from orchestration.previews.film.pages import Page
    from orchestration.previews.film.recordings import Samples
    from orchestration.previews.film.sound import Sound
    from orchestration.previews.film.timeline import Timeline

BT709: Final = 1
LARGEST_COLOUR_ERROR: Final = 4.0
"""Of 255, the mean over a frame: what coding costs, and no conversion by a wrong matrix stays below."""
LOUDNESS_TOLERANCE: Final = 1.0
SYNC_SECONDS: Final = 0.015
_ENVELOPE: Final = RATE // 1000
_COMPARED_SECONDS: Final = 30
_LONGEST_LAG: Final = 200


class ProofError(TransientError):
    """What was made is not what was planned."""


class Check(NamedTuple):
    """One comparison: what was measured, and what it had to be."""

    name: str
    passed: bool
    measured: object
    expected: object


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """What a film was to be. `references` are frames as they were drawn, by their number."""

    timeline: Timeline
    pages: Sequence[Page]
    sound: Sound
    references: Mapping[int, Pixels]
    size: tuple[int, int]


@dataclass
class _Measured:
    """What is in a file."""

    frames: int
    key_frames: set[int]
    first_time: float
    duration: float
    size: tuple[int, int]
    tags: tuple[int, int, int, int]
    sound: Samples
    pictures: dict[int, Pixels]


def prove_film(path: Path, facts: FilmFacts) -> dict[str, Any]:
    """Measure the film; its checks as JSON can carry them. Raises `ProofError` that lists those that failed."""
    measured = _measure(path, facts)
    timeline = facts.timeline
    frame = 1 / timeline.fps
    heard = len(measured.sound) / RATE
    lufs = loudness(measured.sound)
    peak = float(np.abs(measured.sound).max(initial=0.0))
    lag = _lag(facts.sound.samples, measured.sound)
    error = _colour_error(facts.references, measured.pictures)
    begins = {stretch.first for stretch in timeline.stretches}
    checks = [
        Check("frames", measured.frames == timeline.frames, measured.frames, timeline.frames),
        Check("duration", abs(measured.duration - timeline.seconds) <= frame, measured.duration, timeline.seconds),
        Check("start", abs(measured.first_time) < frame / 2, measured.first_time, 0.0),
        Check("drift", abs(heard - timeline.seconds) <= frame, round(heard - timeline.seconds, 4), 0.0),
        Check("sync", abs(lag) <= SYNC_SECONDS, lag, 0.0),
        Check("loudness", _is_as_loud(lufs, facts.sound.lufs), round(lufs, 2), facts.sound.lufs),
        Check("peak", peak <= 1.0, round(peak, 4), "at most 1"),
        Check("size", measured.size == facts.size, list(measured.size), list(facts.size)),
        Check("colour_tags", measured.tags[:3] == (BT709,) * 3, list(measured.tags), "BT.709, limited range"),
        Check("colour", error <= LARGEST_COLOUR_ERROR, round(error, 3), f"at most {LARGEST_COLOUR_ERROR:g} of 255"),
        Check("seekable", begins <= measured.key_frames, len(measured.key_frames), "a key frame at each step"),
        _text_check(facts.pages),
    ]
    return _proof(checks)


def prove_poster(size: tuple[int, int], expected: tuple[int, int], pages: Sequence[Page]) -> dict[str, Any]:
    """The proof of a poster; raises as `prove_film` does."""
    return _proof([Check("size", size == expected, list(size), list(expected)), _text_check(pages)])


def _proof(checks: Sequence[Check]) -> dict[str, Any]:
    failed = [f"{one.name} is {one.measured}, not {one.expected}" for one in checks if not one.passed]
    if failed:
        raise ProofError(f"What was made is not what was planned: {'; '.join(failed)}")
    return {"passed": True, "checks": [one._asdict() for one in checks]}


def _text_check(pages: Sequence[Page]) -> Check:
    texts = [text for page in pages for text in page.texts]
    outside = sum(not text.fits for text in texts)
    return Check("text_in_its_box", not outside, f"{len(texts) - outside} of {len(texts)}", "all")


def _is_as_loud(measured: float, mixed: float) -> bool:
    quiet = SILENT / 1.2  # a coder's noise may pass the gate
    return abs(measured - mixed) <= LOUDNESS_TOLERANCE or (measured <= quiet and mixed <= quiet)


def _measure(path: Path, facts: FilmFacts) -> _Measured:
    import av

    with av.open(str(path)) as film:
        video: Any = film.streams.video[0]
        times: list[float] = []
        key_frames: set[int] = set()
        for packet in film.demux(video):
            if packet.size and packet.pts is not None and packet.time_base is not None:
                times.append(float(packet.pts * packet.time_base))
                if packet.is_keyframe:
                    key_frames.add(round(times[-1] * facts.timeline.fps))
        duration = (film.duration or 0) / 1_000_000
        context = video.codec_context
        tags = context.color_primaries, context.color_trc, context.colorspace, context.color_range
        size = context.width, context.height
        first = min(times, default=-1.0)
    pictures = _pictures(path, facts)
    return _Measured(len(times), key_frames, first, duration, size, tags, _heard(path), pictures)


def _heard(path: Path) -> Samples:
    import av

    with av.open(str(path)) as film:
        resampler = av.AudioResampler(format="flt", layout="stereo", rate=RATE)
        parts = [
            part.to_ndarray().reshape(-1, CHANNELS)
            for frame in film.decode(audio=0)
            if frame.pts is not None and (frame.time or 0.0) >= 0
            for part in resampler.resample(frame)
        ]
    return np.concatenate(parts) if parts else np.zeros((0, CHANNELS), np.float32)


def _pictures(path: Path, facts: FilmFacts) -> dict[int, Pixels]:
    """The frames of the references, as a player shows them."""
    import av

    found: dict[int, Pixels] = {}
    fps = facts.timeline.fps
    with av.open(str(path)) as film:
        video: Any = film.streams.video[0]
        for number in sorted(facts.references):
            film.seek(round(number / fps / video.time_base), stream=video)
            for frame in film.decode(video):
                if round(frame.time * fps) >= number:
                    converted = frame.reformat(format="rgb24", src_colorspace="ITU709", src_color_range="MPEG")
                    found[number] = converted.to_ndarray()
                    break
    return found


def _colour_error(references: Mapping[int, Pixels], pictures: Mapping[int, Pixels]) -> float:
    if references.keys() != pictures.keys():
        return float("inf")
    errors = [
        float(np.abs(references[number].astype(np.int16) - pictures[number].astype(np.int16)).mean())
        for number in references
    ]
    return max(errors, default=0.0)


def _lag(mixed: Samples, heard: Samples) -> float:
    """By how many seconds the sound in the file comes later than it was mixed; 0 for silence."""
    from scipy.signal import correlate

    first, second = (_envelope(samples) for samples in (mixed, heard))
    if first.max(initial=0) < 1e-3 or second.max(initial=0) < 1e-3:  # noqa: PLR2004 - silence has no place in time
        return 0.0
    first, second = first - first.mean(), second - second.mean()
    scores = correlate(second, first, mode="full", method="fft")
    middle = len(first) - 1
    window = scores[max(0, middle - _LONGEST_LAG) : middle + _LONGEST_LAG + 1]
    return (int(np.argmax(window)) - min(middle, _LONGEST_LAG)) / 1000


def _envelope(samples: Samples) -> np.ndarray:
    """How loud each millisecond is."""
    part = np.abs(samples[: _COMPARED_SECONDS * RATE]).sum(axis=1)
    whole = len(part) // _ENVELOPE * _ENVELOPE
    envelope: np.ndarray = part[:whole].reshape(-1, _ENVELOPE).mean(axis=1)
    return envelope
