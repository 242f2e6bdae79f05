"""The garments that this version ships, read from the TOML files in `data`.

Curved sides are chains of cubic Bezier curves in the files and polylines in the model. Keep out: what a garment is
(`model`), its mesh.
"""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from orchestration.errors import NotFoundError, RefusedError
from orchestration.mockups.garments.model import Box, Edge, Garment, Piece, Size
from orchestration.mockups.rectangle import Rectangle

if TYPE_CHECKING:
    from collections.abc import Sequence

DATA: Final = Path(__file__).parent / "data"
# Straight pieces of one cubic curve.
_STEPS: Final = 24


def garments(folder: Path = DATA) -> tuple[Garment, ...]:
    """All garments, inactive ones too, in the order of their ids."""
    return tuple(_garment(path) for path in _files(folder))


def load_garment(template_id: str, folder: Path = DATA) -> Garment:
    """The garment of that id.

    Raises:
        NotFoundError: there is none; names those that there are.
        RefusedError: it is not active.

    """
    known = {path.stem: path for path in _files(folder)}
    if template_id not in known:
        raise NotFoundError(f"no garment {template_id!r}; there are {', '.join(known)}")
    garment = _garment(known[template_id])
    if not garment.active:
        raise RefusedError(f"the garment {template_id} is not active; choose another template")
    return garment


@cache
def _files(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(folder.glob("*.toml")))


@cache
def _garment(path: Path) -> Garment:
    content = path.read_bytes()
    data = tomllib.loads(content.decode())
    mesh = path.with_suffix(".npz")
    digest = hashlib.sha256(content + (mesh.read_bytes() if mesh.exists() else b"")).hexdigest()
    return Garment(
        template_id=path.stem,
        **{key: data[key] for key in ("name", "cut", "active", "thumbnail", "canvas_px", "px_per_mm", "template_size")},
        presets=tuple(data["presets"]),
        fabrics=tuple(data["fabrics"]),
        panels={name: Box(*box) for name, box in data["panels"].items()},
        pieces=tuple(_piece(piece) for piece in data["pieces"]),
        seams=tuple((first, second) for first, second in data["seams"]),
        sizes=tuple(Size(*size) for size in data["sizes"]),
        form={name: tuple(tuple(row) for row in rows) for name, rows in data["form"].items()},
        version=digest[:12],
    )


def _piece(data: dict[str, Any]) -> Piece:
    edges = tuple(
        Edge(edge["name"], _polyline(edge["points"]), tuple(edge.get("stitches", ()))) for edge in data["edges"]
    )
    zone = Rectangle(*data["zone"]) if "zone" in data else None
    return Piece(data["name"], data["drape"], (data["place"][0], data["place"][1]), edges, zone)


def _polyline(points: Sequence[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    """Two points are a line, else a chain of cubic Bezier curves whose ends every third point is."""
    if len(points) == 2:  # noqa: PLR2004  # a line has two ends
        return tuple((float(x), float(y)) for x, y in points)
    t = np.linspace(0, 1, _STEPS + 1)[:, None]
    weights = np.concatenate([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3], axis=1)
    control = np.asarray(points, dtype=np.float64)
    curves = [weights @ control[start : start + 4] for start in range(0, len(control) - 1, 3)]
    line = np.concatenate([curves[0], *(curve[1:] for curve in curves[1:])])
    return tuple((float(x), float(y)) for x, y in line)
