"""The sound of a film: narrations and a track, mixed.

Levels, ducking, loops and cuts. Keep out: decoding (`recordings`), measuring and limiting (`loudness`).

Rules. Every narration is brought to the same loudness. The track goes on from the beginning to the end: a longer one is
cut and faded out, a shorter one begins again, with a crossfade. While somebody speaks, the track is turned down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.previews.film.encoding import silence
from orchestration.previews.film.loudness import SILENT, limit, loudness
from orchestration.previews.film.recordings import RATE, samples_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from orchestration.previews.film.recordings import Samples
    from orchestration.previews.film.timeline import Clip, Timeline

NARRATION_LUFS: Final = -16.0
TRACK_LUFS: Final = -19.0
MOST_GAIN_DB: Final = 20.0
DUCKED_DB: Final = -12.0
_SPEECH_DB: Final = -45.0
_HOP: Final = RATE // 100
_HOLD_HOPS: Final = 35
_ATTACK_SECONDS, _RELEASE_SECONDS = 0.06, 0.45
_CLIP_FADE: Final = 0.02
_CUT_FADE: Final = 0.25
_CROSSFADE: Final = 1.0
_OPENING_FADE, _CLOSING_FADE = 0.4, 1.8


class Sound(NamedTuple):
    """A mix: samples from -1 to 1, how loud it is in LUFS, its highest sample, and what was done."""

    samples: Samples
    lufs: float
    peak: float
    notes: tuple[str, ...]


class Track(NamedTuple):
    """The music of the whole film: decoded samples, their seconds, and how loud it is to be, 0 to 1."""

    path: Path
    seconds: float
    volume: float


def mix(timeline: Timeline, recordings: Mapping[str, Path], track: Track | None) -> Sound:
    """Mix the clips of the timeline, whose decoded samples are in `recordings`, and the track."""
    mixed = silence(timeline.seconds)
    notes: list[str] = []
    for clip in timeline.clips:
        _add(mixed, clip, samples_of(recordings[clip.asset], clip.seconds))
    if track is not None and track.seconds > 0:
        music, said = _music(track, len(mixed))
        notes += said
        if timeline.clips:
            music *= _ducking(mixed)[:, None]
        mixed += music
    reduced = limit(mixed)
    if reduced > 1:
        notes.append(f"the limiter turned peaks down by {reduced:.1f} dB")
    return Sound(mixed, round(loudness(mixed), 2), float(np.abs(mixed).max(initial=0.0)), tuple(notes))


def _add(mixed: Samples, clip: Clip, samples: Samples) -> None:
    _level(samples, NARRATION_LUFS)
    _fade(samples, _CLIP_FADE, _CUT_FADE if len(samples) > _CUT_FADE * RATE else _CLIP_FADE)
    start = round(clip.start * RATE)
    room = mixed[start : start + len(samples)]
    room += samples[: len(room)]


def _music(track: Track, length: int) -> tuple[Samples, Sequence[str]]:
    """The track for so many samples, at its level."""
    samples = samples_of(track.path, min(track.seconds, length / RATE))
    _level(samples, TRACK_LUFS)
    samples *= np.float32(track.volume)
    notes = []
    lacking = length - len(samples)
    if lacking > RATE // 10:
        notes.append(f"the track of {track.seconds:.1f} s is shorter than the film; it begins again, with a crossfade")
        samples = _looped(samples, length)
    elif track.seconds > length / RATE + 0.1:
        notes.append(f"the track of {track.seconds:.1f} s is longer than the film; it is faded out at the end")
    music = silence(length / RATE)
    music[: min(len(samples), length)] = samples[:length]
    _fade(music, _OPENING_FADE, _CLOSING_FADE)
    return music, notes


def _looped(samples: Samples, length: int) -> Samples:
    overlap = min(round(_CROSSFADE * RATE), len(samples) // 4)
    looped = silence(length / RATE)
    period = max(1, len(samples) - overlap)
    rising = np.sqrt(np.linspace(0, 1, overlap, dtype=np.float32))[:, None]
    for number, start in enumerate(range(0, length, period)):
        part = samples.copy()
        if number and overlap:
            part[:overlap] *= rising
        if overlap:
            part[-overlap:] *= rising[::-1]
        room = looped[start : start + len(part)]
        room += part[: len(room)]
    return looped


def _level(samples: Samples, target: float) -> None:
    """Bring samples to a loudness, in place; silence stays silence."""
    found = loudness(samples)
    if found > SILENT:
        samples *= np.float32(10 ** (min(target - found, MOST_GAIN_DB) / 20))


def _fade(samples: Samples, opening: float, closing: float) -> None:
    first, last = (min(round(seconds * RATE), len(samples) // 2) for seconds in (opening, closing))
    if first:
        samples[:first] *= np.linspace(0, 1, first, dtype=np.float32)[:, None]
    if last:
        samples[-last:] *= np.linspace(1, 0, last, dtype=np.float32)[:, None]


def _ducking(speech: Samples) -> Samples:
    """The gain of the track at each sample: down while there is speech, and back after it."""
    hops = -(-len(speech) // _HOP)
    power = np.array([float(np.mean(speech[n * _HOP : (n + 1) * _HOP] ** 2)) for n in range(hops)])
    speaks = power > 10 ** (_SPEECH_DB / 10)
    # A pause between words is no reason to turn up: speech holds for a third of a second.
    held = np.convolve(speaks, np.ones(_HOLD_HOPS))[:hops] > 0
    gains = np.empty(hops)
    level, low = 1.0, 10 ** (DUCKED_DB / 20)
    for n, is_held in enumerate(held):
        seconds = _ATTACK_SECONDS if is_held else _RELEASE_SECONDS
        level += ((low if is_held else 1.0) - level) * (1 - np.exp(-_HOP / RATE / seconds))
        gains[n] = level
    points = (np.arange(hops) + 0.5) * _HOP
    return np.interp(np.arange(len(speech)), points, gains).astype(np.float32)
