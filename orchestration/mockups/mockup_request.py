"""What a mockup is asked for, in which stages it is made, and what comes out: plain data that can be pickled.

Keep out: making anything (`maker`), rows and jobs.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from orchestration.mockups.garments.names import DEFAULT_TEMPLATE
from orchestration.mockups.presets import Adjustment, Preset
from orchestration.mockups.views.angles import ANGLES

_EXTENSIONS: Final = {
    "image/png": "png",
    "image/webp": "webp",
    "image/avif": "avif",
    "video/mp4": "mp4",
    "text/html": "html",
    "model/gltf-binary": "glb",
}


class RenderMode(StrEnum):
    """Which pictures are made beside the composite."""

    ALL = "all"
    IMAGES_ONLY = "images-only"
    ANIMATION_ONLY = "animation-only"


class InkMode(StrEnum):
    """How the ink gets onto the fabric. AUTO takes direct printing, with white beneath on all but light fabrics."""

    AUTO = "auto"
    DTG_LIGHT = "dtg-light"
    DTG_DARK = "dtg-dark"
    DTF = "dtf"


class EngineName(StrEnum):
    """What renders stills and turntables."""

    SOFTWARE = "software"
    BLENDER = "blender"


class AnimationFormat(StrEnum):
    """The format of the animated picture: AVIF has half the bytes of WebP, and takes twice the time."""

    WEBP = "webp"
    AVIF = "avif"


class StageName(StrEnum):
    """The stages, in the order in which they are made."""

    COMPOSITES = "composites"
    STILLS = "stills"
    TURNTABLES = "turntables"


class OutputKind(StrEnum):
    """What a file is."""

    COMPOSITE = "composite"
    PRINT_FILE = "print_file"
    STILL = "still"
    TURNTABLE = "turntable"
    POSTER = "poster"
    ANIMATION = "animation"
    SPRITE_SHEET = "sprite_sheet"
    VIEWER = "viewer"
    MODEL = "model"

    @property
    def stage(self) -> StageName:
        """The stage that makes it."""
        if self in (OutputKind.COMPOSITE, OutputKind.PRINT_FILE):
            return StageName.COMPOSITES
        return StageName.STILLS if self is OutputKind.STILL else StageName.TURNTABLES


class Stage(NamedTuple):
    """A step that can be done by itself: a stage, of the stills one view."""

    name: StageName
    angle: str | None = None


class DesignFile(NamedTuple):
    """A design as it was sent: its file's name, which stands in messages, and its bytes."""

    name: str
    body: bytes


class DesignText(NamedTuple):
    """A design that is a text, such as a name; in black or white, whichever shows better, unless it has a colour."""

    text: str
    colour: str | None = None


class PrintOrder(NamedTuple):
    """One design in its place."""

    design: DesignFile | DesignText
    preset: Preset
    adjustment: Adjustment = Adjustment()


class PictureSizes(NamedTuple):
    """Sizes in pixels, samples a pixel, and the frames of one turn; the turntable's size is even."""

    still: int = 1024
    samples: int = 4
    turntable: int = 720
    frames: int = 72
    frames_per_second: int = 24


@dataclass(frozen=True, slots=True)
class MockupRequest:
    """A garment in a colour with one print, or one on each side.

    `fabric` and `background` are as `fabrics` reads them. `garment_size` is a size of the garment such as `L`; None is
    its own sample size. `ruler` draws the prints' measures on the composite.
    """

    prints: tuple[PrintOrder, ...]
    fabric: str = "white"
    background: str | None = None
    mode: RenderMode = RenderMode.ALL
    template_id: str = DEFAULT_TEMPLATE
    garment_size: str | None = None
    ink: InkMode = InkMode.AUTO
    pictures: PictureSizes = field(default_factory=PictureSizes)
    engine: EngineName = EngineName.SOFTWARE
    animation: AnimationFormat = AnimationFormat.WEBP
    ruler: bool = False


class OutputKey(NamedTuple):
    """What a file shows; of stills `angle` is the view, of print files the side."""

    kind: OutputKind
    angle: str | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """One finished file; width and height in pixels, and how long it took."""

    key: OutputKey
    mime: str
    extension: str
    body: bytes
    width: int
    height: int
    sha256: str
    milliseconds: float
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name: its kind, with the angle where there is more than one."""
        parts = [self.key.kind, *([self.key.angle] if self.key.angle else [])]
        return f"{'_'.join(parts)}.{self.extension}"


def output(
    key: OutputKey, body: bytes, mime: str, size: tuple[int, int], *, started: float, facts: dict[str, object]
) -> Output:
    """Describe a file of `size` pixels whose making began at `started`, a time of `time.perf_counter`."""
    milliseconds = round(1000 * (time.perf_counter() - started), 1)
    digest = hashlib.sha256(body).hexdigest()
    return Output(key, mime, _EXTENSIONS[mime], body, *size, digest, milliseconds, facts)


def stages(request: MockupRequest) -> tuple[Stage, ...]:
    """Return the steps that make the mockup, in order."""
    steps = [Stage(StageName.COMPOSITES)]
    if request.mode is not RenderMode.ANIMATION_ONLY:
        steps += [Stage(StageName.STILLS, angle) for angle in ANGLES]
    if request.mode is not RenderMode.IMAGES_ONLY:
        steps.append(Stage(StageName.TURNTABLES))
    return tuple(steps)
