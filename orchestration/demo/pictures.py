"""Product pictures: a design, seen in one of some views, in a variant's colours, as JPEG or PNG.

Views, the backdrop, the sample logo, and the encoding. Keep out: how a product is drawn, which is a
design (`drinkware.py`, `bags.py`, `stationery.py`, `garments.py`, `knitwear.py`) or rendered (`rendered`).
"""

from __future__ import annotations

import io
import os
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from orchestration.demo.drawing.camera import Camera
from orchestration.demo.drawing.garments import Garment
from orchestration.demo.drawing.light import woven
from orchestration.demo.drawing.outlines import ellipse, moved
from orchestration.demo.drawing.paint import Role, inks
from orchestration.demo.drawing.sheet import Sheet
from orchestration.demo.rendered.garment import RenderedGarment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PIL.Image import Image

    from orchestration.demo.drawing.outlines import Point

JPEG_QUALITY = 88
# What suppliers usually give, in pixels each way.
USUAL_SIZE = 800
# Smooth drawings deflate well even at a fast level.
PNG_LEVEL = 2
DETAIL_ZOOM = 1.75


class Design(Protocol):
    """A drawable product."""

    @property
    def print_at(self) -> tuple[Point, float]:
        """Where a logo goes, and how wide it may be."""

    @property
    def detail_at(self) -> Point:
        """What a close-up shows."""

    @property
    def zoom(self) -> float:
        """The enlargement that fills a picture."""

    @property
    def turn(self) -> float:
        """Degrees clockwise in the usual view."""

    def draw(self, sheet: Sheet) -> None:
        """Lay the product's parts on a sheet."""


class View(Enum):
    """From where a picture is taken."""

    FRONT = "front"
    REVERSE = "reverse"
    DETAIL = "detail"
    PRINTED = "printed"
    FOLLOWS = "follows"
    """Not the product: the card that stands for a picture which the supplier does not have."""


class Encoding(Enum):
    """A picture's file format, by its file name extension."""

    JPEG = "jpg"
    PNG = "png"


@dataclass(frozen=True, slots=True)
class Scene:
    """What is drawn once and painted in every colour: a design in a view, `size` pixels square."""

    design: Design | RenderedGarment
    view: View
    size: int = USUAL_SIZE


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture to take: a scene in its colours (hex without `#`; no trim = a tone of the body)."""

    scene: Scene
    body: str
    trim: str | None = None
    encoding: Encoding = Encoding.JPEG


def take(shots: Iterable[Shot]) -> dict[Shot, bytes]:
    """Take all the pictures; the same shots give the same bytes."""
    sessions: defaultdict[Scene, set[Shot]] = defaultdict(set)
    for shot in shots:
        sessions[shot.scene].add(shot)
    backdrops = {size: backdrop(size) for size in {scene.size for scene in sessions}}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        taken = pool.map(lambda scene: _session(scene, sessions[scene], backdrops[scene.size]), sessions)
        return {shot: picture for session in taken for shot, picture in session.items()}


def backdrop(size: int) -> Image:
    """A light studio wall that darkens a little towards the floor and the corners."""
    from PIL import Image, ImageChops

    fall = Image.linear_gradient("L").resize((size, size)).point([round(250 - 15 * (v / 255) ** 2) for v in range(256)])
    corners = Image.radial_gradient("L").resize((size, size)).point([round(10 * (v / 255) ** 2) for v in range(256)])
    wall = ImageChops.add(ImageChops.subtract(fall, corners), woven((size, size), 1), 1, -128)
    warm = ImageChops.subtract(wall, Image.new("L", wall.size, 2))
    return Image.merge("RGB", (wall, wall, warm))


def _session(scene: Scene, shots: Iterable[Shot], wall: Image) -> dict[Shot, bytes]:
    if isinstance(scene.design, RenderedGarment):
        return {shot: _encoded(_rendered(scene.design, shot, wall), shot.encoding) for shot in shots}
    sheet = _drawn(scene.design, scene)
    return {shot: _encoded(sheet.painted(wall, inks(shot.body, shot.trim)), shot.encoding) for shot in shots}


def _rendered(garment: RenderedGarment, shot: Shot, wall: Image) -> Image:
    is_printed = shot.scene.view is View.PRINTED
    view = View.FRONT if is_printed else shot.scene.view
    return garment.painted(view.value, wall, inks(shot.body, shot.trim), is_printed=is_printed)


def _drawn(design: Design, scene: Scene) -> Sheet:
    camera = Camera(scene.size, design.zoom, design.turn)
    match scene.view:
        case View.DETAIL:
            camera = Camera(scene.size, design.zoom * DETAIL_ZOOM, design.turn * 0.6, design.detail_at)
        case View.REVERSE if isinstance(design, Garment):
            design = replace(design, back=True)
        case View.REVERSE:
            camera = camera._replace(flipped=True)
        case View.FRONT | View.PRINTED | View.FOLLOWS:
            pass
    sheet = Sheet(camera)
    design.draw(sheet)
    if scene.view is View.PRINTED:
        _stamp_logo(sheet, *design.print_at)
    return sheet


def _stamp_logo(sheet: Sheet, at: Point, width: float) -> None:
    """An invented mark: a ring around two hills."""
    radius = width / 2
    ring = [*ellipse((0, 0), (1, 1)), *reversed(ellipse((0, 0), (0.84, 0.84)))]
    hills = [
        [(-0.62, 0.38), (-0.2, -0.32), (0.02, 0.06), (0.2, -0.16), (0.62, 0.38)],
        ellipse((0.3, -0.44), (0.13, 0.13)),
    ]
    marks = [[(x * radius, y * radius) for x, y in outline] for outline in (ring, *hills)]
    sheet.stamp([moved(mark, *at) for mark in marks], Role.PRINT, strength=0.92)


def _encoded(picture: Image, encoding: Encoding) -> bytes:
    file = io.BytesIO()
    if encoding is Encoding.PNG:
        picture.save(file, "PNG", compress_level=PNG_LEVEL)
    else:
        picture.save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()
