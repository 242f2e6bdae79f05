"""The types of a payload that has passed its schema, with their defaults.

Plain structures. Keep out: checks (`schema`, `reading`), and what a field means for the film (`film`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, Literal

import msgspec

AUTO: Final = "auto"


class AssetType(StrEnum):
    """What an asset is."""

    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"


class OutputFormat(StrEnum):
    """What is rendered; the value is the file's extension."""

    MP4 = "mp4"
    WEBM = "webm"
    PNG = "png"


class _Struct(msgspec.Struct, frozen=True, rename="camel"):
    """A part of a payload: names in camel case on the wire."""


class Step(_Struct, frozen=True):
    """One step of the film. `duration_ms` is a number or "auto"; `asset_ids` name what is shown and heard."""

    id: str = ""
    title: str = ""
    text: str = ""
    caption: str = ""
    duration_ms: int | Literal["auto"] = AUTO
    asset_ids: tuple[str, ...] = ()


class Asset(_Struct, frozen=True):
    """A file on the web; `sha256` is what its bytes must hash to, if it is given."""

    id: str
    type: AssetType
    url: str
    sha256: str | None = None


class Caption(_Struct, frozen=True):
    """What is said from `start_ms` to `end_ms` of the film."""

    start_ms: int
    end_ms: int
    text: str


class Audio(_Struct, frozen=True):
    """The track under the whole film, and captions with times of their own; without them, the steps' are used."""

    track_url: str | None = None
    track_sha256: str | None = None
    volume: float = 1.0
    captions: tuple[Caption, ...] = ()


class Options(_Struct, frozen=True):
    """How it is rendered. `resolution` is `WIDTHxHEIGHT` in pixels."""

    resolution: str = "1280x720"
    format: OutputFormat = OutputFormat.MP4
    include_captions: bool = False
    caption_format: Literal["burned-in", "webvtt"] = "burned-in"
    fps: int = 25
    theme: Literal["dark", "light"] = "dark"
    accent: str | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        width, _, height = self.resolution.partition("x")
        return int(width), int(height)


class PreviewRequest(_Struct, frozen=True):
    """What the film shows."""

    steps: tuple[Step, ...]
    assets: tuple[Asset, ...]
    audio: Audio
    title: str = ""
    description: str = ""
    options: Options = Options()
    metadata: dict[str, Any] = {}
    callback_url: str | None = None

    @property
    def author(self) -> str:
        """The author in the metadata, if it is a text."""
        author = self.metadata.get("author", "")
        return author if isinstance(author, str) else ""


class PreviewJob(_Struct, frozen=True):
    """A whole payload."""

    job_id: str
    project_id: str
    request_id: str
    dry_run: bool
    preview_request: PreviewRequest
    priority: Literal["low", "normal", "high"] = "normal"
