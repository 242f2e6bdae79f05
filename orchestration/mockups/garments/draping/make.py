"""A garment's mesh from its pattern: cut, sew, drape, trim, bake.

Keep out: the steps themselves, one module each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from orchestration.mockups.garments.draping import trim
from orchestration.mockups.garments.draping.cloth import Arm, Fabric, constraints, settle
from orchestration.mockups.garments.draping.form import build_form
from orchestration.mockups.garments.draping.light import Bake, compress
from orchestration.mockups.garments.draping.pattern import cut_pattern
from orchestration.mockups.garments.draping.start import starting_positions
from orchestration.mockups.garments.mesh import GarmentMesh, Material

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from orchestration.mockups.garments.draping.pattern import FlatPiece, Pattern
    from orchestration.mockups.garments.draping.trim import Strip
    from orchestration.mockups.garments.model import Garment, Piece

SPACING: Final = 7.0
STEPS: Final = 6000
_RANKS: Final = {"outer": 32, "inner": 10, "bounce": 8, "inner_bounce": 5, "ground": 16}
_GROUND_CELLS: Final = 72
_TURNED_UP: Final = {"hem", "cuff"}
_TURNED_UP_MM: Final = 24.0


class _Shell(NamedTuple):
    """The mesh before light falls on it; `vertex_of` tells which corners share their normal and light."""

    points: NDArray[np.float64]
    canvas: NDArray[np.float64]
    material: NDArray[np.uint8]
    triangles: NDArray[np.int64]
    vertex_of: NDArray[np.int64]


def make_mesh(garment: Garment, *, spacing: float = SPACING, steps: int = STEPS) -> GarmentMesh:
    """Drape a garment and bake its light: some 60 CPU seconds."""
    pattern = cut_pattern(garment, spacing)
    return _lit(_trimmed(garment, pattern, drape(garment, pattern, steps)))


def drape(garment: Garment, pattern: Pattern, steps: int) -> NDArray[np.float64]:
    """The vertices of the pattern (n, 3) in metres, at rest."""
    start = starting_positions(garment, pattern)
    mass = np.ones(len(start))
    mass[_pinned(garment, pattern)] = 0
    start += _ripple(start) * mass[:, None]
    rules = constraints(pattern.flat, pattern.triangles, pattern.vertex_of, _doubled(pattern, len(start)))
    form = build_form(garment.form, start.min(axis=0) - [0, 0.1, 0], start.max(axis=0))
    ease, bending, friction = garment.form["cloth"][0]
    return settle(start, rules, form, Fabric(ease, bending, friction), arm=_arm(garment), mass=mass, steps=steps)


def _doubled(pattern: Pattern, vertices: int) -> NDArray[np.bool_]:
    """Where the cloth is turned up: near hems and cuffs."""
    from scipy.spatial import cKDTree

    doubled = np.zeros(vertices, bool)
    for piece in pattern.pieces:
        for name in _TURNED_UP & set(piece.sides):
            near, _ = cKDTree(piece.flat[piece.sides[name]]).query(piece.flat)
            doubled[pattern.vertex_of[piece.first + np.nonzero(near < _TURNED_UP_MM)[0]]] = True
    return doubled


def _ripple(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Some millimetres of smooth disorder: a symmetric start would fall into symmetric folds."""
    chance = np.random.default_rng(3)
    waves = [
        chance.normal(0, 0.004, 3) * np.sin(points @ chance.normal(0, 30, 3) + chance.uniform(0, 6))[:, None]
        for _ in range(8)
    ]
    ripple: NDArray[np.float64] = np.sum(waves, axis=0)
    return ripple


def _arm(garment: Garment) -> Arm | None:
    if "arm" not in garment.form:
        return None
    x, y, z, first, last, length, upper, lower = garment.form["arm"][0]
    return Arm((x / 1e3, y / 1e3, z / 1e3), length / 1e3, (upper / 1e3, lower / 1e3), (first, last))


def _pinned(garment: Garment, pattern: Pattern) -> NDArray[np.int64]:
    """The vertices near the `pins` (x, y mm on the panels) that hold the cloth up."""
    pins = garment.form.get("pins", ())
    found = [
        piece.first + np.nonzero(np.linalg.norm(piece.flat - np.array(pin[:2]), axis=1) < pin[2])[0]
        for piece in pattern.pieces
        if piece.piece.drape in {"front", "back"}
        for pin in pins
    ]
    return pattern.vertex_of[np.concatenate(found)] if found else np.empty(0, np.int64)


def _trimmed(garment: Garment, pattern: Pattern, vertices: NDArray[np.float64]) -> _Shell:
    """The cloth with its trims; the collar of single cloth is replaced by a band of double cloth."""
    corners = vertices[pattern.vertex_of]
    normals = _normals(vertices, pattern.vertex_of[pattern.triangles])[pattern.vertex_of]
    shell = _Shell(corners, np.empty((0, 2)), np.zeros(len(corners), np.uint8), pattern.triangles, pattern.vertex_of)
    canvas = [garment.to_canvas(piece.piece, piece.flat) for piece in pattern.pieces]
    collar = [piece for piece in pattern.pieces if piece.piece.drape == "neck"]
    triangles = pattern.triangles
    for piece in collar:
        inside = (triangles >= piece.first) & (triangles < piece.first + len(piece.flat))
        triangles = triangles[~inside.all(axis=1)]
    shell = shell._replace(canvas=np.concatenate(canvas), triangles=triangles)
    strips = [*_strips(pattern, corners, normals), *_handles(garment)]
    for owner, strip in strips:
        shell = _joined(shell, strip, garment.to_canvas(owner, strip.flat))
    return shell


def _strips(
    pattern: Pattern, corners: NDArray[np.float64], normals: NDArray[np.float64]
) -> Iterator[tuple[Piece, Strip]]:
    edgings = []
    for piece in pattern.pieces:
        part = slice(piece.first, piece.first + len(piece.flat))
        surface = trim.Surface(piece, corners[part], normals[part])
        edgings += [(piece.piece, edging) for edging in _edgings(piece, surface)]
        if piece.piece.drape == "back" and "neck" in piece.sides:
            top = float(piece.flat[piece.sides["neck"], 1].max())
            yield piece.piece, trim.label(surface, (0, top + 15), 32, 26)
    trim.join_ends([strip for _, strip in edgings])
    yield from edgings


def _edgings(piece: FlatPiece, surface: trim.Surface) -> Iterator[Strip]:
    """Hems and cuffs, and the band of a collar."""
    for name in sorted(_TURNED_UP & set(piece.sides)):
        yield trim.strip_along(surface, piece.flat[piece.sides[name]], trim.HEM, within=piece)
    if piece.piece.drape == "neck":
        height = float(np.ptp(piece.flat[:, 1]))
        line = piece.flat[piece.sides["top"]]
        columns = 2 * len(line) - 1
        fine = np.stack([np.linspace(line[0, 0], line[-1, 0], columns), np.full(columns, line[0, 1])], axis=1)
        yield trim.strip_along(surface, fine, trim.collar_profile(height))


def _handles(garment: Garment) -> Iterator[tuple[Piece, Strip]]:
    for piece in garment.pieces:
        if piece.drape in trim.HANDLES:
            row = garment.form["handle"][0]
            yield piece, trim.handle(piece.outline, trim.Arch(*row), front=piece.drape == "front_handle")


def _joined(shell: _Shell, strip: Strip, canvas: NDArray[np.float64]) -> _Shell:
    """A shell with a strip; corners of the strip at the same place (where a ring closes) are one vertex."""
    _, same = np.unique(np.round(strip.points, 5), axis=0, return_inverse=True)
    return _Shell(
        np.concatenate([shell.points, strip.points]),
        np.concatenate([shell.canvas, canvas]),
        np.concatenate([shell.material, strip.material]),
        np.concatenate([shell.triangles, strip.triangles + len(shell.points)]),
        np.concatenate([shell.vertex_of, same.ravel() + int(shell.vertex_of.max()) + 1]),
    )


def _normals(points: NDArray[np.float64], triangles: NDArray[np.int64]) -> NDArray[np.float64]:
    """Unit normals of vertices, weighted by area."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    face = np.cross(b - a, c - a)
    sums = [
        sum(np.bincount(triangles[:, k], weights=face[:, axis], minlength=len(points)) for k in range(3))
        for axis in range(3)
    ]
    normals = np.stack(sums, axis=1)
    unit: NDArray[np.float64] = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-15)
    return unit


def _lit(shell: _Shell) -> GarmentMesh:
    """The finished mesh: unused corners dropped, normals and transfer matrices made."""
    used, numbers = np.unique(shell.triangles, return_inverse=True)
    triangles = numbers.reshape(-1, 3)
    points, material = shell.points[used], shell.material[used]
    vertex_of = np.unique(shell.vertex_of[used], return_inverse=True)[1].ravel()
    first = np.unique(vertex_of, return_index=True)[1]
    vertex_normals = _normals(points[first], vertex_of[triangles])
    # The label lies so close to the cloth that its shadow would only be blots at the corners of the mesh.
    casting = triangles[(material[triangles] != Material.LABEL).any(axis=1)]
    bake = Bake(points, casting, vertex_of)
    outer, outer_sees = bake.direct(points[first], vertex_normals)
    inner, inner_sees = bake.direct(points[first], -vertex_normals)
    sides = np.concatenate([outer, inner])
    side = float(4.2 * np.abs(points[:, [0, 2]]).max())
    height = float(points[:, 1].min()) - 0.05
    line = np.linspace(-side / 2, side / 2, _GROUND_CELLS)
    floor = np.stack(
        [np.tile(line, _GROUND_CELLS), np.full(_GROUND_CELLS**2, height), np.repeat(line, _GROUND_CELLS)], 1
    )
    ground, _ = bake.direct(floor, np.tile([0.0, 1.0, 0.0], (len(floor), 1)))
    light = {
        "outer": outer, "inner": inner, "bounce": outer_sees @ sides, "inner_bounce": inner_sees @ sides,
    }  # fmt: skip
    packed = {name: compress(matrix, _RANKS[name]) for name, matrix in light.items()}
    return GarmentMesh(
        points=points.astype(np.float32),
        normals=vertex_normals[vertex_of].astype(np.float32),
        canvas=shell.canvas[used].astype(np.float32),
        material=material,
        triangles=triangles.astype(np.int32),
        **{name: transfer._replace(weights=transfer.weights[vertex_of]) for name, transfer in packed.items()},
        ground=compress(ground, _RANKS["ground"]),
        ground_side=side,
        ground_height=height,
    )
