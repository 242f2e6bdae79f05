"""Files for films, orders over them, and stand-ins for the making that are slow, broken or deadly.

Keep out: expectations.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
import wave
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from orchestration.previews.film.film import make_film
from orchestration.previews.film.order import AssetFile, FilmOrder
from orchestration.previews.film.progress import ProgressFile
from orchestration.previews.payload.model import AssetType
from orchestration.previews.payload.reading import read_payload

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestration.previews.film.order import FilmReport

FAULTY = "faulty"
"""The id of the job that the broken makers stumble over."""
MARK = "sleeping-for-a-test"


def picture(path: Path, size: tuple[int, int] = (120, 80), colour: tuple[int, int, int] = (200, 40, 40)) -> Path:
    """A picture of one colour with a white corner."""
    image = Image.new("RGB", size, colour)
    image.paste((255, 255, 255), (0, 0, size[0] // 4, size[1] // 4))
    image.save(path)
    return path


def tone(path: Path, seconds: float, hertz: float = 440.0, level: float = 0.3, start: float = 0.0) -> Path:
    """A tone after `start` seconds of silence, as WAV."""
    times = np.arange(round(seconds * 48_000)) / 48_000
    samples = np.sin(2 * np.pi * hertz * times) * level * (times >= start)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes((samples * 32_767).astype(np.int16).tobytes())
    return path


def asset(name: str, kind: str, path: Path) -> AssetFile:
    """A fetched asset."""
    return AssetFile(name, AssetType(kind), path, hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)


def order(
    folder: Path,
    document: Mapping[str, Any],
    *files: AssetFile,
    track: Path | None = None,
    **options: Any,  # noqa: ANN401
) -> FilmOrder:
    """An order for a payload, whose assets are these files; the payload lists them by itself."""
    request = dict(document["previewRequest"])
    request["assets"] = [{"id": file.id, "type": file.type.value, "url": file.path.as_uri()} for file in files]
    folder.mkdir(parents=True, exist_ok=True)
    job = read_payload({**document, "previewRequest": request})
    music = None if track is None else asset("track", "audio", track)
    return FilmOrder(job, {file.id: file for file in files}, music, folder, **{"longest_seconds": 60.0, **options})


def make_and_stumble(order: FilmOrder) -> FilmReport:
    """Raise what nobody foresaw for the job `FAULTY`; make the others."""
    if order.job.job_id == FAULTY:
        raise ZeroDivisionError("a fault in the renderer")
    return make_film(order)


def make_and_die(order: FilmOrder) -> FilmReport:
    """Die over the job `FAULTY`; make the others."""
    if order.job.job_id == FAULTY:
        os.kill(os.getpid(), signal.SIGKILL)
    return make_film(order)


def make_for_ever(order: FilmOrder) -> FilmReport:
    """Start a child, report half of the frames, and never end."""
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", MARK])  # noqa: S603 - our own program
    progress = ProgressFile(order.progress, clock=lambda: time.monotonic() * 10)
    progress.begin_frames(100)
    progress.add(25)
    time.sleep(0.1)
    progress.add(25)
    time.sleep(600)
    return make_film(order)


def make_late(order: FilmOrder) -> FilmReport:
    """Report much at the first attempt and die; make it slowly at the second."""
    marker = order.folder.parent / f"orchestration-tests-{order.job.job_id}"
    progress = ProgressFile(order.progress, clock=lambda: time.monotonic() * 10)
    progress.begin_frames(100)
    if not marker.exists():
        marker.touch()
        time.sleep(0.1)
        progress.add(80)
        time.sleep(1.2)
        os.kill(os.getpid(), signal.SIGKILL)
    marker.unlink()
    time.sleep(1.2)
    return make_film(order)
