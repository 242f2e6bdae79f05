"""The judge of 3MF files: PrusaSlicer, run with two tools, and what its G-code prints where.

Coarse settings, since the test asks for parts and places and not for quality. Keep out: expectations.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = shutil.which("prusa-slicer") or "prusa-slicer"
needs_slicer = pytest.mark.skipif(
    shutil.which("prusa-slicer") is None, reason="PrusaSlicer is not installed (apt-get install prusa-slicer)"
)

BED = 220.0
LAYER = 0.3
_OPTIONS = {
    "nozzle-diameter": "0.4,0.4",
    "filament-diameter": "1.75,1.75",
    "bed-shape": f"0x0,{BED:g}x0,{BED:g}x{BED:g},0x{BED:g}",
    "layer-height": f"{LAYER}",
    "first-layer-height": f"{LAYER}",
    "perimeters": "1",
    "fill-density": "0",
    "top-solid-layers": "1",
    "bottom-solid-layers": "1",
    "skirts": "0",
    "resolution": "0.05",
}
_MOVE = re.compile(r"G1 X([-.\d]+) Y([-.\d]+) E([-.\d]+)")


class Box(NamedTuple):
    """A rectangle in mm."""

    left: float
    bottom: float
    right: float
    top: float

    def holds(self, other: Box, slack: float = 0.5) -> bool:
        """Whether another box lies inside of this one, but for `slack` mm."""
        near = self.left - slack <= other.left and self.bottom - slack <= other.bottom
        return near and self.right + slack >= other.right and self.top + slack >= other.top


class Sliced(NamedTuple):
    """What the slicer made of a file: how many objects it loaded, the tools of each height in mm, and their boxes."""

    objects: int
    tools: dict[float, frozenset[int]]
    boxes: dict[int, Box]


def slice_file(path: Path, *switches: str, **options: str) -> Sliced:
    """Slice a 3MF with two tools; `options` replace those of PrusaSlicer that are set here."""
    loaded = _run("--info", str(path)).count("number_of_facets")
    result = path.with_suffix(".gcode")
    chosen = {**_OPTIONS, **{name.replace("_", "-"): value for name, value in options.items()}}
    values = [f"--{name}={value}" for name, value in chosen.items()]
    _run("--export-gcode", "-o", str(result), *values, *switches, str(path))
    return _read(loaded, result.read_text(encoding="utf-8").splitlines())


def _run(*arguments: str) -> str:
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=300, check=False)  # noqa: S603
    assert not done.returncode, done.stdout + done.stderr
    return done.stdout


def _read(objects: int, lines: list[str]) -> Sliced:
    tools: defaultdict[float, set[int]] = defaultdict(set)
    points: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    tool, height = 0, 0.0
    for line in lines:
        if line in ("T0", "T1"):
            tool = int(line[1])
        elif line.startswith(";Z:"):
            height = float(line[3:])
        elif height and (move := _MOVE.match(line)):
            tools[height].add(tool)
            points[tool].append((float(move[1]), float(move[2])))
    boxes = {tool: _box(found) for tool, found in points.items()}
    return Sliced(objects, {z: frozenset(found) for z, found in tools.items()}, boxes)


def _box(points: list[tuple[float, float]]) -> Box:
    x, y = zip(*points, strict=True)
    return Box(min(x), min(y), max(x), max(y))
