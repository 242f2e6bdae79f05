"""Making a film: from an order to encoded files with their proof, or to a storyboard.

The order of the steps. Keep out: each step, which has a module of its own, and where files are stored.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from orchestration.previews.film.captions import cues_of, webvtt, within
from orchestration.previews.film.design import design_of
from orchestration.previews.film.encoding import CODECS, assemble, encode_segment
from orchestration.previews.film.materials import Materials, open_materials
from orchestration.previews.film.order import FilmReport, MadeFile, Still, Storyboard
from orchestration.previews.film.pages import UNTITLED, Composer, Page
from orchestration.previews.film.pictures import png, small_webp
from orchestration.previews.film.progress import ProgressFile
from orchestration.previews.film.proofs import FilmFacts, prove_film, prove_poster
from orchestration.previews.film.scenes import Scene
from orchestration.previews.film.segments import Segment, SegmentCache
from orchestration.previews.film.sound import mix
from orchestration.previews.film.timeline import plan_timeline
from orchestration.previews.film.typesetting import Typesetter
from orchestration.previews.payload.model import OutputFormat

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestration.previews.film.captions import Cue
    from orchestration.previews.film.design import Design
    from orchestration.previews.film.order import FilmOrder
    from orchestration.previews.film.timeline import Stretch, Timeline

RENDERER_VERSION = "2"
"""Raised when the same order would give other pixels: older segments are not used then."""
VIDEO, POSTER, CAPTIONS, PROOF = "video", "poster", "captions", "proof"
# The colours of so many stretches are compared with what was drawn, and a storyboard has so many pictures.
_COMPARED, _MOST_STILLS = 6, 60


@dataclass
class _Film:
    """An order that was thought through: nothing of it is drawn yet."""

    order: FilmOrder
    materials: Materials
    timeline: Timeline
    cues: list[Cue]
    design: Design
    composer: Composer

    @property
    def notes(self) -> list[str]:
        """What was decided so far."""
        width, height = self.order.job.preview_request.options.size
        padded = (self.design.width, self.design.height) != (width, height)
        said = f"{width}x{height} is padded to {self.design.width}x{self.design.height}: video is coded in even sizes"
        return [
            *([f"$.previewRequest.options.resolution: {said}"] if padded else []),
            *self.materials.notes,
            *self.timeline.notes,
        ]

    def page(self, stretch: Stretch) -> Page:
        """Lay out the page of a stretch."""
        cues = within(self.cues, stretch, self.timeline.fps)
        if stretch.step is None:
            return self.composer.title(stretch.frames, cues)
        sizes = {name: (video.width, video.height) for name, video in self.materials.videos.items()}
        return self.composer.step(stretch.step, stretch.frames, self.materials.pictures, sizes, cues)

    def scene(self, stretch: Stretch, page: Page) -> Scene:
        """The page in motion."""
        steps = len(self.order.job.preview_request.steps)
        return Scene(
            page, self.design, stretch.frames, self.timeline.fps, stretch.step, steps, self.materials.video_files
        )

    def address(self, stretch: Stretch) -> str:
        """A digest of all that decides the pixels of a stretch."""
        request = self.order.job.preview_request
        step = None if stretch.step is None else request.steps[stretch.step]
        title = (request.title, request.description, request.author) if step is None else None
        shown = [self.order.files[one].sha256 for one in step.asset_ids if one in self.order.files] if step else []
        facts = {
            "version": RENDERER_VERSION,
            "codec": CODECS[request.options.format],
            "design": msgspec.to_builtins((self.design.width, self.design.height, self.design.palette)),
            "captions": self.design.has_captions,
            "cues": within(self.cues, stretch, self.timeline.fps) if self.design.has_captions else [],
            "fps": self.timeline.fps,
            "frames": stretch.frames,
            "place": (stretch.step, len(request.steps)),
            "fonts": _fonts_digest(self.order.fonts),
            "text": title or (step and (step.title, step.text)),
            "assets": shown,
        }
        return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()


@cache
def _typesetter(fonts: tuple[Path, ...]) -> Typesetter:
    """The fonts and outlines of this process, which stay warm."""
    return Typesetter(fonts)


@cache
def _fonts_digest(fonts: tuple[Path, ...]) -> str:
    """What fonts there are: another one may draw what was left out."""
    files = _typesetter(fonts).library.files
    listed = sorted((name, path.stat().st_size) for name, path in files.items())
    return hashlib.sha256(msgspec.json.encode(listed)).hexdigest()


def _plan(order: FilmOrder) -> _Film:
    request = order.job.preview_request
    materials = open_materials(order)
    timeline = plan_timeline(request, materials.video_lengths | materials.lengths, order.longest_seconds)
    design = design_of(request.options)
    composer = Composer(request, design, _typesetter(order.fonts))
    return _Film(order, materials, timeline, cues_of(request, timeline), design, composer)


def make_storyboard(order: FilmOrder) -> Storyboard:
    """Think a film through, and draw one picture of each stretch; raises as `make_film` does."""
    film = _plan(order)
    notes = film.notes
    stills: list[Still] = []
    for stretch in film.timeline.stretches:
        page = film.page(stretch)
        notes += page.notes
        if len(stills) < _MOST_STILLS:
            scene = film.scene(stretch, page)
            fps = film.timeline.fps
            picture = small_webp(scene.still(scene.quiet))
            stills.append(Still(stretch.step, stretch.first / fps, stretch.frames / fps, picture))
    return Storyboard(
        tuple(stills), film.timeline.seconds, film.timeline.frames, tuple(notes), tuple(film.materials.facts)
    )


def make_film(order: FilmOrder) -> FilmReport:
    """Make the film, its poster, captions and proof in the order's folder.

    Raises `InvalidInputError` for an asset that cannot be used or a film that is too long, and `ProofError` when what
    was made is not what was planned.
    """
    started = time.process_time()
    progress = ProgressFile(order.progress)
    progress.stage("assets", 4.0)
    film = _plan(order)
    if order.job.preview_request.options.format is OutputFormat.PNG:
        return _poster_report(film, started)
    segments = _Segments(film, progress)
    segments.make()
    progress.stage("sound", 93.0)
    sound = mix(film.timeline, film.materials.sounds, film.materials.track)
    return _joined(film, segments, sound, progress, started)


class _Segments:
    """The segments of one film: found among those of earlier films, or drawn and encoded."""

    def __init__(self, film: _Film, progress: ProgressFile) -> None:
        self._film = film
        self._progress = progress
        url = film.order.segments_url
        self._cache = SegmentCache(url) if url else None
        self.files: list[tuple[Path, int]] = []
        self.pages: list[Page] = []
        self.references: dict[int, Any] = {}
        self.poster: Any = None
        self.rendered = self.reused = 0
        self.saved_cpu_seconds = 0.0

    def make(self) -> None:
        """Make all of them, in order."""
        film = self._film
        stretches = film.timeline.stretches
        self._progress.begin_frames(film.timeline.frames)
        compared = set(range(0, len(stretches), max(1, len(stretches) // _COMPARED)))
        for number, stretch in enumerate(stretches):
            page = film.page(stretch)
            self.pages.append(page)
            scene = film.scene(stretch, page)
            self.files.append((self._segment(number, stretch, scene), stretch.frames))
            if number in compared:
                self.references[stretch.first + scene.quiet] = scene.still(scene.quiet)
            if number == 0:
                self.poster = scene.still(scene.quiet)

    def _segment(self, number: int, stretch: Stretch, scene: Scene) -> Path:
        codec = CODECS[self._film.order.job.preview_request.options.format]
        path = self._film.order.folder / f"segment-{number:04d}.{codec.container}"
        address = self._film.address(stretch)
        found = self._cache.find(address) if self._cache else None
        if found is not None and found.frames == stretch.frames:
            path.write_bytes(found.body)
            self.reused += 1
            self.saved_cpu_seconds += found.cpu_seconds
            self._progress.add(stretch.frames)
            return path
        size = self._film.design.width, self._film.design.height
        cpu = encode_segment(scene, path, codec=codec, size=size, fps=scene.fps, on_frame=lambda: self._progress.add(1))
        self.rendered += 1
        if self._cache:
            self._cache.keep(address, Segment(path.read_bytes(), stretch.frames, round(cpu, 3)))
        return path


def _joined(film: _Film, segments: _Segments, sound: Any, progress: ProgressFile, started: float) -> FilmReport:  # noqa: ANN401
    """Join segments and sound, prove the result, and describe every file."""
    order, request = film.order, film.order.job.preview_request
    codec = CODECS[request.options.format]
    path = order.folder / f"preview.{request.options.format.value}"
    progress.stage("joining", 95.0)
    assemble(segments.files, sound.samples, path, codec=codec, fps=film.timeline.fps, title=request.title or UNTITLED)
    progress.stage("proof", 97.0)
    size = film.design.width, film.design.height
    proof = prove_film(path, FilmFacts(film.timeline, segments.pages, sound, segments.references, size))
    facts = {"seconds": film.timeline.seconds, "frames": film.timeline.frames, "width": size[0], "height": size[1]}
    files = [described(VIDEO, path, f"video/{path.suffix[1:]}", facts)]
    files += _beside(film, segments.poster)
    notes = [*film.notes, *sound.notes, *(note for page in segments.pages for note in page.notes)]
    return _report(film, files, proof, notes, started=started, segments=segments)


def _poster_report(film: _Film, started: float) -> FilmReport:
    """The title card alone, for the format png."""
    stretch = film.timeline.stretches[0]
    page = film.page(stretch)
    scene = film.scene(stretch, page)
    poster = scene.still(scene.quiet)
    size = film.design.width, film.design.height
    proof = prove_poster((poster.shape[1], poster.shape[0]), size, [page])
    return _report(film, _beside(film, poster), proof, [*film.notes, *page.notes], started=started)


def _beside(film: _Film, poster: Any) -> list[MadeFile]:  # noqa: ANN401 - pixels
    """The poster and, where they are asked for, the captions."""
    folder = film.order.folder
    path = folder / "poster.png"
    path.write_bytes(png(poster))
    files = [described(POSTER, path, "image/png", {"width": poster.shape[1], "height": poster.shape[0]})]
    options = film.order.job.preview_request.options
    if film.cues and options.caption_format == "webvtt" and options.format is not OutputFormat.PNG:
        captions = folder / "captions.vtt"
        captions.write_text(webvtt(film.cues), encoding="utf-8", newline="\n")
        files.append(described(CAPTIONS, captions, "text/vtt", {"cues": len(film.cues)}))
    return files


def described(kind: str, path: Path, mime: str, facts: dict[str, Any]) -> MadeFile:
    """A file with its hash and size."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return MadeFile(kind, path.name, mime, digest, path.stat().st_size, facts)


def _report(
    film: _Film,
    files: Sequence[MadeFile],
    proof: dict[str, Any],
    notes: Sequence[str],
    *,
    started: float,
    segments: _Segments | None = None,
) -> FilmReport:
    path = film.order.folder / "proof.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(proof), indent=2))
    cost: dict[str, Any] = {"cpu_seconds": round(time.process_time() - started, 3)}
    if segments is not None:
        cost |= {
            "segments_rendered": segments.rendered,
            "segments_reused": segments.reused,
            "cpu_seconds_saved": round(segments.saved_cpu_seconds, 3),
        }
    described_files = (*files, described(PROOF, path, "application/json", {}))
    is_film = segments is not None
    seconds, frames = (film.timeline.seconds, film.timeline.frames) if is_film else (0.0, 1)
    return FilmReport(described_files, seconds, frames, proof, tuple(notes), tuple(film.materials.facts), cost)
