"""The materials of a film: its fetched files opened, with their facts.

Pictures, videos and decoded sound, within bounds. Keep out: fetching (`previews.assets`), and where they are used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestration.previews.film.images import Picture, open_picture
from orchestration.previews.film.recordings import Recording, inspect_video, read_sound
from orchestration.previews.film.sound import Track
from orchestration.previews.payload.model import AssetType

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.previews.film.order import AssetFile, FilmOrder

TRACK = "track"


@dataclass
class Materials:
    """What a film is made of, by asset id. `sounds` are decoded samples, `lengths` the seconds of what can be heard."""

    pictures: dict[str, Picture] = field(default_factory=dict)
    videos: dict[str, Recording] = field(default_factory=dict)
    video_files: dict[str, Path] = field(default_factory=dict)
    sounds: dict[str, Path] = field(default_factory=dict)
    lengths: dict[str, float] = field(default_factory=dict)
    video_lengths: dict[str, float] = field(default_factory=dict)
    track: Track | None = None
    facts: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def open_materials(order: FilmOrder) -> Materials:
    """Open every file of the order; raises `InvalidInputError` that names the first that cannot be used."""
    materials = Materials()
    for file in order.files.values():
        facts = _OPENERS[file.type](materials, file, order)
        materials.facts.append(
            {"id": file.id, "type": file.type.value, "bytes": file.bytes, "sha256": file.sha256, **facts}
        )
    if order.track is not None:
        seconds = _hear(materials, order.track, order)
        materials.track = Track(materials.sounds[TRACK], seconds, order.job.preview_request.audio.volume)
        facts = {"seconds": round(seconds, 3), "bytes": order.track.bytes, "sha256": order.track.sha256}
        materials.facts.append({"id": TRACK, "type": AssetType.AUDIO.value, **facts})
        if not seconds:
            materials.notes.append("$.previewRequest.audio.trackUrl: the track has no sound")
    return materials


def _see(materials: Materials, file: AssetFile, _order: FilmOrder) -> dict[str, Any]:
    picture = open_picture(file.path, file.id)
    materials.pictures[file.id] = picture
    return {"width": picture.pixels.shape[1], "height": picture.pixels.shape[0]}


def _watch(materials: Materials, file: AssetFile, order: FilmOrder) -> dict[str, Any]:
    recording = inspect_video(file.path, file.id, order.longest_seconds)
    materials.videos[file.id] = recording
    materials.video_files[file.id] = file.path
    materials.video_lengths[file.id] = recording.picture_seconds
    if recording.sound_seconds:
        _hear(materials, file, order)
    if recording.fps and abs(recording.fps - order.job.preview_request.options.fps) > 0.01:  # noqa: PLR2004 - a rate
        rate = order.job.preview_request.options.fps
        materials.notes.append(f"{file.id} has {recording.fps:.2f} pictures a second; it is shown at {rate}")
    return {
        "width": recording.width,
        "height": recording.height,
        "seconds": round(recording.seconds, 3),
        "fps": round(recording.fps, 3),
        "codecs": list(recording.codecs),
    }


def _listen(materials: Materials, file: AssetFile, order: FilmOrder) -> dict[str, Any]:
    seconds = _hear(materials, file, order)
    if not seconds:
        materials.notes.append(f"{file.id} has no sound")
    return {"seconds": round(seconds, 3)}


def _hear(materials: Materials, file: AssetFile, order: FilmOrder) -> float:
    """Decode a file's sound; its seconds."""
    into = order.folder / f"{len(materials.sounds)}.pcm"
    seconds, goes_on = read_sound(file.path, file.id, into, order.longest_seconds)
    if goes_on:
        materials.notes.append(f"{file.id} goes on after {order.longest_seconds:.0f} s; the rest is not heard")
    materials.sounds[file.id] = into
    if seconds and file.id != TRACK:
        materials.lengths[file.id] = seconds
    return seconds


_OPENERS = {AssetType.IMAGE: _see, AssetType.VIDEO: _watch, AssetType.AUDIO: _listen}
