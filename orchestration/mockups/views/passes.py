"""What a view needs of a garment, the same for each design: made once, kept as files, loaded for each picture.

A view is cut to the box of the picture that the garment fills. Per pixel: the share that it covers, the light on it
and over one bounce, the sheen, and how much ink its surface takes. Per sample (`grid` x `grid` a pixel): the place on
the canvas. Keep out: colours (`compose`), where the passes are kept (`store`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from orchestration.mockups.garments.mesh import Material, load_mesh
from orchestration.mockups.views.camera import camera_at
from orchestration.mockups.views.cloth_details import NEUTRAL, tone_map
from orchestration.mockups.views.raster import Corners, Tones, resolve, visible_triangles
from orchestration.mockups.views.studio import irradiance, radiance, received

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orchestration.mockups.garments.mesh import GarmentMesh
    from orchestration.mockups.garments.model import Garment
    from orchestration.mockups.views.camera import Camera
    from orchestration.mockups.views.machine_code import MachineCode

# 16 steps a px of a canvas of 4096 px fill 16 bits.
PLACE_STEPS: Final = 16
LIGHT_STEPS: Final = 8192
BYTE_STEPS: Final = 255
SHEEN_STEPS: Final = 1020
_FUZZ: Final = 0.035
# The averages over a pixel's samples in the order of the raster: the pass, its steps, how it is kept.
_PER_PIXEL: Final[tuple[tuple[str, float, type[np.unsignedinteger[Any]]], ...]] = (
    ("covered", BYTE_STEPS, np.uint8),
    ("light", LIGHT_STEPS, np.uint16),
    ("bounce", LIGHT_STEPS, np.uint16),
    ("sheen", _FUZZ * SHEEN_STEPS, np.uint8),
    ("takes_ink", BYTE_STEPS, np.uint8),
    ("label", BYTE_STEPS, np.uint8),
)
# The backdrop is lit by lamps of its own, which take most of the shadow away.
_SHADOW: Final = 0.42
# Rays that sink less than this meet no floor.
_LEVEL: Final = -1e-6


class ViewKey(NamedTuple):
    """Which view: the garment, the camera's place in degrees, the picture's size in px, samples along a pixel."""

    template_id: str
    azimuth: float
    size: int
    grid: int


class Passes(NamedTuple):
    """The passes of a view, `h` x `w` px at `box` (x, y) of the picture.

    `covered` uint8 (h, w) in 255ths; `light`, `bounce` uint16 in 8192ths, `sheen` uint8 in 1020ths, `takes_ink` and
    `label` uint8 (the shares of cloth's outside and of the label); `place` uint16 (h * grid, w * grid, 2), canvas px
    in 16ths; `floor` uint8 (size / 2, size / 2), the floor's shadow in 255ths.
    """

    box: NDArray[np.int32]
    covered: NDArray[np.uint8]
    light: NDArray[np.uint16]
    bounce: NDArray[np.uint16]
    sheen: NDArray[np.uint8]
    takes_ink: NDArray[np.uint8]
    label: NDArray[np.uint8]
    place: NDArray[np.uint16]
    floor: NDArray[np.uint8]


def build_passes(garment: Garment, key: ViewKey, code: MachineCode) -> Passes:
    """Raster a view and light it."""
    mesh = _mesh(garment)
    camera = camera_at(mesh, key.azimuth)
    light = radiance(camera)
    samples = key.size * key.grid
    projected = camera.project(mesh.points, samples)
    x0, y0, x1, y1 = _box(projected, key)
    projected[:, :2] -= np.array([x0, y0], np.float32) * key.grid
    corners = Corners(projected, mesh.triangles, _values(mesh, camera, light))
    nearest = visible_triangles(code, corners, (x1 - x0) * key.grid, (y1 - y0) * key.grid)
    table = _tones(garment, max(1.0, garment.px_per_mm * 1000 * camera.step(samples)))
    tones = Tones(table, len(table) / garment.canvas_px, NEUTRAL)
    averages, place = resolve(code, nearest, corners, tones, grid=key.grid, place_steps=PLACE_STEPS)
    per_pixel: dict[str, Any] = {
        name: _steps(averages[..., k], steps, kind) for k, (name, steps, kind) in enumerate(_PER_PIXEL)
    }
    return Passes(
        box=np.array([x0, y0], np.int32),
        **per_pixel,
        place=place,
        floor=floor_shadow(mesh, camera, light, key.size),
    )


@lru_cache(maxsize=2)
def _mesh(garment: Garment) -> GarmentMesh:
    return load_mesh(garment.template_id)


@lru_cache(maxsize=4)
def _tones(garment: Garment, step: float) -> NDArray[np.uint8]:
    """The cloth's small details; what is finer than `step` canvas px is averaged away."""
    import cv2

    size = round(garment.canvas_px / step)
    return np.asarray(cv2.resize(kept_tone_map(garment), (size, size), interpolation=cv2.INTER_AREA), np.uint8)


@lru_cache(maxsize=2)
def kept_tone_map(garment: Garment) -> NDArray[np.uint8]:
    """The tone map of a garment, whose views follow one another."""
    return tone_map(garment)


def _box(projected: NDArray[np.float32], key: ViewKey) -> tuple[int, int, int, int]:
    """The pixels that the garment may cover."""
    low = np.floor(projected[:, :2].min(axis=0) / key.grid).astype(int) - 1
    high = np.ceil(projected[:, :2].max(axis=0) / key.grid).astype(int) + 1
    (x0, y0), (x1, y1) = np.clip(low, 0, key.size), np.clip(high, 0, key.size)
    return int(x0), int(y0), int(x1), int(y1)


def _values(mesh: GarmentMesh, camera: Camera, light: NDArray[np.float32]) -> NDArray[np.float32]:
    """The corners' channels that the raster interpolates, in its order."""
    falls = irradiance(mesh, light)
    # The normal's share towards the eye, for the fuzz of the cloth.
    towards = camera.rotation.T @ camera.eye - mesh.points
    facing = (mesh.normals * towards).sum(axis=1) / np.linalg.norm(towards, axis=1)
    inside, label = mesh.material == Material.INSIDE, mesh.material == Material.LABEL
    channels = (mesh.canvas[:, 0], mesh.canvas[:, 1], *falls, facing, inside, label)
    return np.stack(channels, axis=1).astype(np.float32)


def typical_step(place: NDArray[np.uint16]) -> float:
    """How many steps lie between neighbouring samples, at most places; 0, 0 is no place."""
    rows = place[::32].astype(np.float32)
    hit = rows.max(axis=-1) > 0
    steps = np.linalg.norm(np.diff(rows, axis=1), axis=-1)[hit[:, 1:] & hit[:, :-1]]
    # np.median would load numpy.ma, which takes as long as the rest of a layer.
    return float(np.partition(steps, len(steps) // 2)[len(steps) // 2]) if len(steps) else 1.0


def _steps(values: NDArray[np.float32], steps: float, kind: type[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
    return np.clip(np.round(values * steps), 0, np.iinfo(kind).max).astype(kind)


def floor_shadow(mesh: GarmentMesh, camera: Camera, light: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
    """How much of the free floor's light reaches each second pixel of the picture, uint8 in 255ths."""
    import cv2

    cells = int(len(mesh.ground.weights) ** 0.5)
    lit = received(mesh.ground, light).reshape(cells, cells)
    smooth = cv2.GaussianBlur(lit / float(np.percentile(lit, 98)), (0, 0), 1.2)
    half = size // 2
    line = ((np.arange(half) + 0.5) / half - 0.5) * 2 / camera.focal
    rays = np.stack([*np.meshgrid(line, -line), np.full((half, half), -1.0)], axis=-1) @ camera.rotation
    eye = camera.eye @ camera.rotation
    down = rays[..., 1]
    way = (mesh.ground_height - eye[1]) / np.where(down < _LEVEL, down, _LEVEL)
    x, z = eye[0] + way * rays[..., 0], eye[2] + way * rays[..., 2]
    scale = (cells - 1) / mesh.ground_side
    column, row = ((np.asarray(way_to) + mesh.ground_side / 2) * scale for way_to in (x, z))
    shade = cv2.remap(
        smooth, column.astype(np.float32), row.astype(np.float32), cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT, borderValue=1.0,
    )  # fmt: skip
    # The shadow ends before the grid does.
    away = np.clip((np.hypot(x, z) / (mesh.ground_side / 2) - 0.5) / 0.4, 0, 1)
    shade = np.where(down < _LEVEL, shade * (1 - away) + away, 1.0)
    shade = 1 - _SHADOW * (1 - np.minimum(shade, 1))
    return _steps(shade.astype(np.float32), BYTE_STEPS, np.uint8)
