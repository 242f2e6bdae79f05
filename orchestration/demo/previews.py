"""Sample preview jobs over the sample feed's pictures, with a track that is made here.

What they show. Keep out: rendering them.
"""

from __future__ import annotations

import wave
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TRACK: Final = "track.wav"
PICTURES: Final = 4
_RATE: Final = 48_000
_SECONDS_A_CHORD: Final = 3.0
# A quiet progression, as frequencies in hertz.
_CHORDS: Final = ((220.0, 277.18, 329.63), (196.0, 246.94, 293.66), (174.61, 220.0, 261.63), (196.0, 246.94, 329.63))


def write_track(folder: Path) -> Path:
    """Write a quiet piece of music of twelve seconds into a folder that is served."""
    path = folder / TRACK
    times = np.arange(round(_SECONDS_A_CHORD * _RATE)) / _RATE
    swell = np.sin(np.pi * times / _SECONDS_A_CHORD) ** 0.7
    chords = [sum(np.sin(2 * np.pi * hertz * times) for hertz in chord) * swell * 0.08 for chord in _CHORDS]
    samples = (np.concatenate(chords) * 32_767).astype(np.int16)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(samples.tobytes())
    return path


def sample_jobs(pictures: Sequence[str], track: str) -> list[dict[str, Any]]:
    """A video with pictures and music, one in three scripts with captions, a poster, and a dry run."""
    names = [f"picture-{number}" for number in range(min(PICTURES, len(pictures)))]
    assets = [{"id": name, "type": "image", "url": url} for name, url in zip(names, pictures, strict=False)]
    shop = {
        "title": "A gift with a name on it",
        "description": "How a personalised gift is chosen, made and sent.",
        "metadata": {"author": "The sample shop", "tags": ["sample"]},
        "steps": [
            {"title": title, "text": text, "durationMs": "auto", "assetIds": [name]}
            for (title, text), name in zip(_STEPS, names, strict=False)
        ],
        "assets": assets,
        "audio": {"trackUrl": track, "volume": 0.7},
    }
    scripts = {
        "title": "Welcome - 欢迎 - أهلا",
        "steps": [{"title": title, "text": text, "durationMs": 3_000} for title, text in _SCRIPTS],
        "assets": [],
        "audio": {},
        "options": {"format": "webm", "resolution": "640x360", "includeCaptions": True, "theme": "light"},
    }
    return [
        _job("sample-shop", shop),
        _job("sample-scripts", scripts, priority="low"),
        _job("sample-poster", {**shop, "options": {"format": "png"}}, priority="high"),
        _job("sample-dry-run", shop, dry_run=True),
    ]


_STEPS: Final = (
    ("Choose a product", "Shirts, bags, bottles and pens from the suppliers' catalogues."),
    ("Say whose it is", "A name, a date, a few words in any script."),
    ("We make it", "Every file is proven before it is printed."),
    ("It is on its way", "The shop hears of it, once."),
)
_SCRIPTS: Final = (
    ("مرحبا بكم في المتجر", "اكتب اسمك هنا وسنطبعه على الكوب."),
    ("お名前を入れましょう", "文字は枠の中に収まります。"),
    ("환영합니다", "선물이 준비되었습니다."),
)


def _job(job_id: str, request: dict[str, Any], *, priority: str = "normal", dry_run: bool = False) -> dict[str, Any]:
    return {
        "jobId": job_id,
        "projectId": "samples",
        "requestId": f"request-{job_id}",
        "dryRun": dry_run,
        "priority": priority,
        "previewRequest": request,
    }
