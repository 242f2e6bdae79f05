"""What a render process is asked for, and what it returns: plain data that can be sent between processes.

Keep out: how it is done (`film`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestration.previews.payload.model import AssetType, PreviewJob


class AssetFile(NamedTuple):
    """A fetched asset: its id, what it is, where its bytes lie, their SHA-256 in hex and their number."""

    id: str
    type: AssetType
    path: Path
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class FilmOrder:
    """One film to make in `folder`, from files that are there.

    `segments_url` is the object store with segments of earlier films. Into the file `progress`, how far it is gets
    written.
    """

    job: PreviewJob
    files: Mapping[str, AssetFile]
    track: AssetFile | None
    folder: Path
    longest_seconds: float
    fonts: tuple[Path, ...] = ()
    segments_url: str | None = None
    progress: Path | None = None


class MadeFile(NamedTuple):
    """A file that was made: what it is, its name, media type, SHA-256 in hex, size in bytes, and facts about it."""

    kind: str
    name: str
    mime: str
    sha256: str
    bytes: int
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FilmReport:
    """A film that was made: its files, the proof, what was done to the wishes, and what it cost."""

    files: tuple[MadeFile, ...]
    seconds: float
    frames: int
    proof: dict[str, Any]
    notes: tuple[str, ...]
    assets: tuple[dict[str, Any], ...]
    facts: dict[str, Any] = field(default_factory=dict)


class Still(NamedTuple):
    """One picture of a storyboard: which step (None for the title card), when it is seen, and a small WebP."""

    step: int | None
    start: float
    seconds: float
    picture: bytes


@dataclass(frozen=True, slots=True)
class Storyboard:
    """A film that was not made: what it would show, to the frame."""

    stills: tuple[Still, ...]
    seconds: float
    frames: int
    notes: tuple[str, ...]
    assets: tuple[dict[str, Any], ...]
