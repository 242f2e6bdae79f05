"""The sound of a film: as loud as it should be, ducked, limited and in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from orchestration.errors import InvalidInputError
from orchestration.previews.film.loudness import CEILING, SILENT, limit, loudness
from orchestration.previews.film.recordings import RATE, container_of, read_sound
from orchestration.previews.film.sound import NARRATION_LUFS, Sound, Track, mix
from orchestration.previews.film.timeline import Clip, Stretch, Timeline
from orchestration_tests.previews.making import tone

if TYPE_CHECKING:
    from pathlib import Path


def sine(seconds: float, level: float, hertz: float = 997.0) -> np.ndarray[Any, np.dtype[np.float32]]:
    times = np.arange(round(seconds * RATE)) / RATE
    return np.repeat((np.sin(2 * np.pi * hertz * times) * level).astype(np.float32)[:, None], 2, axis=1)


def film(seconds: float, *clips: Clip) -> Timeline:
    return Timeline(25, (Stretch(None, 0, round(seconds * 25)),), clips, ())


def decoded(path: Path, seconds: float = 60.0) -> tuple[Path, float]:
    into = path.with_suffix(".pcm")
    return into, read_sound(path, path.name, into, seconds)[0]


def test_loudness_is_that_of_the_recommendation() -> None:
    assert loudness(sine(5, 0.1)) == pytest.approx(-20.0, abs=0.1)
    assert loudness(np.zeros((RATE, 2), np.float32)) == SILENT
    half = np.concatenate([sine(5, 0.1), np.zeros((5 * RATE, 2), np.float32)])
    assert loudness(half) == pytest.approx(-20.0, abs=0.5)  # the pause is gated


def test_the_limiter_bounds_every_sample_and_leaves_quiet_sound_alone() -> None:
    quiet = sine(1, 0.5)
    before = quiet.copy()
    assert limit(quiet) == 0.0
    assert np.array_equal(quiet, before)
    loud = sine(1, 0.5)
    loud[RATE // 2 : RATE // 2 + 40] *= 4
    assert limit(loud) > 6
    assert np.abs(loud).max() <= CEILING + 1e-6


def test_a_narration_is_brought_to_its_level_and_stands_at_its_time(tmp_path: Path) -> None:
    path, seconds = decoded(tone(tmp_path / "n.wav", 2.0, level=0.05))
    sound = mix(film(6, Clip("n", 3.0, seconds)), {"n": path}, None)
    assert sound.lufs == pytest.approx(NARRATION_LUFS, abs=1.0)
    heard = np.flatnonzero(np.abs(sound.samples[:, 0]) > 0.02)
    assert heard[0] / RATE == pytest.approx(3.0, abs=0.01)
    assert heard[-1] / RATE == pytest.approx(5.0, abs=0.05)


def level(sound: Sound, start: float, end: float) -> float:
    """How loud a stretch is, in dB."""
    part = sound.samples[round(start * RATE) : round(end * RATE)]
    return float(20 * np.log10(np.sqrt(np.mean(part**2)) + 1e-9))


def test_the_track_is_turned_down_while_somebody_speaks(tmp_path: Path) -> None:
    # The narration is far above what is listened to here, so that only the track is measured.
    voice, seconds = decoded(tone(tmp_path / "n.wav", 3.0, hertz=9_000))
    music, length = decoded(tone(tmp_path / "t.wav", 12.0, hertz=200))
    sound = mix(film(12, Clip("n", 4.0, seconds)), {"n": voice}, Track(music, length, 1.0))
    spectrum = {
        start: np.abs(np.fft.rfft(sound.samples[start * RATE : (start + 1) * RATE, 0]))[190:210].max()
        for start in (2, 5, 9)
    }
    assert 20 * np.log10(spectrum[2] / spectrum[5]) == pytest.approx(12, abs=1.5)
    assert spectrum[9] == pytest.approx(spectrum[2], rel=0.1)


def test_a_short_track_begins_again_and_a_long_one_is_faded_out(tmp_path: Path) -> None:
    music, seconds = decoded(tone(tmp_path / "t.wav", 3.0))
    looped = mix(film(10), {}, Track(music, seconds, 1.0))
    assert "begins again" in looped.notes[0]
    assert all(level(looped, start, start + 0.5) > -40 for start in range(1, 8))
    cut = mix(film(2), {}, Track(music, seconds, 1.0))
    assert "faded out" in cut.notes[0]
    assert level(cut, 1.95, 2.0) < level(cut, 0.9, 1.0) - 20


def test_the_volume_is_that_of_the_track(tmp_path: Path) -> None:
    music, seconds = decoded(tone(tmp_path / "t.wav", 5.0))
    loud, soft = (mix(film(5), {}, Track(music, seconds, volume)) for volume in (1.0, 0.25))
    assert loud.lufs - soft.lufs == pytest.approx(12.04, abs=0.2)
    assert mix(film(5), {}, Track(music, seconds, 0.0)).lufs == SILENT


def test_a_recording_is_decoded_up_to_its_bound(tmp_path: Path) -> None:
    path = tone(tmp_path / "long.wav", 5.0)
    assert read_sound(path, "long", tmp_path / "pcm", 2.0) == (2.0, True)
    assert (tmp_path / "pcm").stat().st_size < 2.2 * RATE * 4


@pytest.mark.parametrize(
    "body",
    [
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        b"",
        b"<svg/>",
        b"PK",
    ],
)
def test_playlists_and_what_is_no_recording_are_not_opened(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(body)
    assert container_of(body) is None
    with pytest.raises(InvalidInputError, match="no audio or video"):
        read_sound(path, "a", tmp_path / "pcm", 10)


def test_a_broken_recording_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x20ftypisom" + b"\xff" * 400)
    with pytest.raises(InvalidInputError, match=r"voice cannot be decoded"):
        read_sound(path, "voice", tmp_path / "pcm", 10)
