"""Previews: CPU seconds for a second of film against an FFmpeg filter graph, and how soon a warm drain begins a job.

    python -m orchestration_tests.benchmarks.previews

The rival is given every page as a finished picture, so it sets no text and fits no pictures: it pushes in, fades and
encodes, with FFmpeg's own filters and the same encoder settings.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import av.filter
import numpy as np

from orchestration.previews.drains import render_previews
from orchestration.previews.film.encoding import CODECS
from orchestration.previews.film.film import make_film
from orchestration.previews.payload.model import OutputFormat
from orchestration.previews.previews import Previews
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.work_queue.options import DrainOptions
from orchestration_tests.benchmarks.timing import Timing, median, report, timed
from orchestration_tests.conftest import fresh_database, make_template, migrate_database
from orchestration_tests.previews.making import asset, order, picture, tone
from orchestration_tests.previews.payloads import small
from orchestration_tests.server import running_server

if TYPE_CHECKING:
    from orchestration.previews.film.order import FilmOrder

ROUNDS = 3
FPS, STEP_SECONDS, STEPS = 25, 5, 6
WARM_JOBS = 60
TEXT = "Start with one of forty designs, or bring your own picture. We check that every line can be printed."


def document(changed: str = "") -> dict[str, Any]:
    """Six steps with pictures in 1280 x 720."""
    steps: list[dict[str, Any]] = [
        {"title": f"Step {n}", "text": TEXT, "durationMs": 1000 * STEP_SECONDS, "assetIds": ["photo"]}
        for n in range(STEPS)
    ]
    steps[2]["title"] += changed
    return small(steps=steps, options={"resolution": "1280x720", "fps": FPS})


def film_order(folder: Path, name: str, changed: str = "") -> FilmOrder:
    """An order for it, with a track."""
    photo = asset("photo", "image", picture(folder / "photo.png", (1600, 1200)))
    track = tone(folder / "track.wav", 12.0, hertz=220)
    cache = (folder / "cache").as_uri()
    return order(folder / name, document(changed), photo, track=track, segments_url=cache)


def rival(path: Path, page: np.ndarray[Any, np.dtype[np.uint8]], frames: int) -> None:
    """Push into a page and fade it, by FFmpeg's filters."""
    codec = CODECS[OutputFormat.MP4]
    height, width = page.shape[:2]
    graph = av.filter.Graph()
    source = graph.add_buffer(width=width, height=height, format=av.VideoFormat("rgb24"), time_base=Fraction(1, FPS))
    chain = [
        graph.add("zoompan", f"z=1+0.045*on/{frames}:d={frames}:s={width}x{height}:fps={FPS}"),
        graph.add("fade", f"type=in:start_frame=0:nb_frames={FPS // 3}"),
        graph.add("fade", f"type=out:start_frame={frames - FPS // 3}:nb_frames={FPS // 3}"),
        graph.add("format", "pix_fmts=yuv420p"),
        graph.add("buffersink"),
    ]
    for before, after in zip([source, *chain], chain, strict=False):
        before.link_to(after)
    graph.configure()
    graph.push(av.VideoFrame.from_ndarray(page, format="rgb24"))
    graph.push(None)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec.video, rate=FPS, options=dict(codec.options))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.thread_count = 2
        for number in range(frames):
            frame = graph.vpull()
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def films() -> None:
    """Race whole films, and show what a changed step costs."""
    ours, theirs, again = list[Timing](), list[Timing](), list[Timing]()
    seconds = 0
    page = np.random.default_rng(0).integers(0, 255, (720, 1280, 3), dtype=np.uint8)
    page[:, :640] = 30  # a half of text and a half of picture
    page[:, 640:] = np.linspace(0, 255, 640, dtype=np.uint8)[None, :, None]
    for number in range(ROUNDS):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            wanted = film_order(folder, "first")
            with timed(ours):
                made = make_film(wanted)
            seconds = round(made.seconds)
            with timed(again):
                make_film(film_order(folder, "again", f" {number}"))
            with timed(theirs):
                for _ in range(round(seconds / STEP_SECONDS)):
                    rival(folder / "rival.mp4", page, FPS * STEP_SECONDS)
    report("film, 1280 x 720, proven", median(ours), items=seconds, what="s", rival=median(theirs))
    report("the same pixels by an FFmpeg graph, no sound", median(theirs), items=seconds, what="s")
    report("film with one step changed", median(again), items=seconds, what="s", rival=median(ours))
    print(
        f"CPU seconds a second of film: {median(ours).cpu / seconds:.3f}, {median(theirs).cpu / seconds:.3f} the graph"
    )


def warm_starts() -> None:
    """How soon a drain that is up begins with a job."""
    from sqlalchemy.engine import make_url

    with tempfile.TemporaryDirectory() as name, running_server() as text:
        server = make_url(text)
        template = make_template(server, "benchmark_previews", migrate_database)
        with fresh_database(server, template) as url:
            home = Path(name)
            services = Services(Settings(home=home, database_url=url, object_store=(home / "objects").as_uri()))
            waits = _waits(Previews(services))
            services.close()
    cuts = statistics.quantiles(waits, n=100)
    print(f"enqueue to start, warm: p50 {1000 * cuts[49]:.0f} ms, p99 {1000 * cuts[98]:.0f} ms of {len(waits)} jobs")


def _waits(previews: Previews) -> list[float]:
    import asyncio

    options = DrainOptions(idle_seconds=5.0)
    draining = threading.Thread(target=lambda: asyncio.run(render_previews(previews, lambda _: None, options)))
    draining.start()
    waits = []
    for number in range(WARM_JOBS + 1):
        previews.submit(small(f"job-{number}", steps=[], options={"format": "png"}))
        while (row := previews.find(f"job-{number}")) is None or not row.state.is_final:
            time.sleep(0.005)
        if row.started_at is not None and number:  # the first starts the processes
            waits.append((row.started_at - row.created_at).total_seconds())
    draining.join()
    return waits


def main() -> None:
    """All of it."""
    films()
    warm_starts()


if __name__ == "__main__":
    main()
