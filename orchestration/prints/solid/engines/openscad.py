"""The reference engine: OpenSCAD with our own template, fed with numbers.

It writes the numbers, runs the program within limits of time and memory and without network, and reads the solid back.
OpenSCAD's versions space letters differently and replace a missing font in silence, so it gets the shaped outlines as
polygons. No text reaches it, so there is nothing to inject. Keep out: the template's geometry, which is in
`storeys.scad`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from orchestration.errors import ConfigurationError, PermanentError, TransientError
from orchestration.lettering.offsets import segments
from orchestration.prints.solid.engines.engine import EngineName
from orchestration.prints.solid.mesh import Mesh
from orchestration.prints.solid.stl import read_stl
from orchestration.rendering.confined import Limits, confined

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import manifold3d
    from numpy.typing import NDArray

    from orchestration.lettering.layout import Placed
    from orchestration.lettering.offsets import Ring
    from orchestration.prints.solid.blueprint import Bar, Blueprint, Channel, StoreyPlan
    from orchestration.prints.solid.sections import Drawing

DEFAULT_TIMEOUT: Final = 15 * 60.0
# The largest product takes a tenth of it.
_MEMORY_BYTES: Final = 4 * 2**30
_MESSAGE_LENGTH: Final = 1000
_OVERHANG: Final = 1.0
_TEMPLATE: Final = "storeys.scad"


class OpenScadEngine:
    """Builds solids by running OpenSCAD, in about half a minute."""

    def __init__(self, program: str = "openscad", *, timeout: float = DEFAULT_TIMEOUT) -> None:
        found = shutil.which(program)
        if found is None:
            raise ConfigurationError(f"{program} is not installed: install OpenSCAD, or use the native engine")
        self._program = found
        self._timeout = timeout

    @property
    def name(self) -> EngineName:
        """Which engine this is."""
        return EngineName.OPENSCAD

    def solid(self, drawing: Drawing) -> Mesh:
        """Return the whole product as one solid.

        Raises:
            PermanentError: OpenSCAD refuses the model; the message holds what it said.
            TransientError: it took longer than the time limit and was killed.

        """
        with tempfile.TemporaryDirectory(prefix="print-") as folder:
            model, result = Path(folder, "model.scad"), Path(folder, "model.stl")
            model.write_text(scad(drawing.blueprint), encoding="ascii")
            self._run(["-o", str(result), "--export-format", "binstl", str(model)])
            return _merged(read_stl(result.read_bytes()))

    def parts(self, drawing: Drawing) -> tuple[Mesh, Mesh]:
        """Return the solid cut in two at the colour change."""
        import manifold3d as m3

        mesh = self.solid(drawing)
        body = m3.Manifold(m3.Mesh(mesh.vertices, mesh.triangles.astype(np.uint32)))
        if body.status() != m3.Error.NoError:
            raise PermanentError(f"OpenSCAD's solid cannot be cut at the colour change: {body.status()}")
        above, below = body.split_by_plane((0.0, 0.0, 1.0), drawing.blueprint.colour_change)
        return _mesh(below), _mesh(above)

    def _run(self, arguments: Sequence[str]) -> None:
        limits = Limits(self._timeout, _MEMORY_BYTES)
        # A group of its own, so that the time limit ends all that the program has started. It stays in the session of
        # the render process, by which the pool finds it when that process is killed.
        process = subprocess.Popen(  # noqa: S603 - our own template and numbers, no shell
            confined([self._program, *arguments], limits),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        try:
            said, _ = process.communicate(timeout=self._timeout)
        except subprocess.TimeoutExpired:
            raise TransientError(f"OpenSCAD took longer than {self._timeout:.0f} s and was stopped") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        if process.returncode == -signal.SIGXCPU:
            raise TransientError(f"OpenSCAD took more than {self._timeout:.0f} s of the processor and was stopped")
        if process.returncode:
            message = said.decode("utf-8", "replace").strip()[:_MESSAGE_LENGTH]
            raise PermanentError(f"OpenSCAD failed to render STL: {message}")


def scad(blueprint: Blueprint) -> str:
    """Return the model as OpenSCAD source: our template after a list of numbers."""
    block = blueprint.block
    values = {
        "growth": _number(block.scale.growth),
        "glyphs": _vector(_glyph(placed) for placed in block.glyphs),
        "storeys": _vector(_storey(storey) for storey in blueprint.storeys),
        "channel": _channel(blueprint),
        "facets": str(_facets(blueprint)),
    }
    template = files("orchestration.prints.solid.engines").joinpath(_TEMPLATE).read_text(encoding="ascii")
    return "".join(f"{name} = {value};\n" for name, value in values.items()) + template


def _facets(blueprint: Blueprint) -> int:
    """Return the segments that keep the largest circle within the tolerance."""
    radii = [0.0 if blueprint.channel is None else blueprint.channel.diameter / 2]
    for storey in blueprint.storeys:
        radii.append(blueprint.block.scale.growth + (storey.margin or 0) + storey.closing)
        radii += [bar.radius + storey.closing for bar in (*storey.bars, *storey.holes)]
    return max(map(segments, radii))


def _glyph(placed: Placed) -> str:
    rings = [ring + np.array((placed.x, placed.y)) for ring in placed.outline.bare]
    points = _vector(_ring(ring)[1:-1] for ring in rings)
    starts = np.cumsum([0, *(len(ring) for ring in rings)]).tolist()
    paths = _vector(_vector(map(str, range(start, end))) for start, end in pairwise(starts))
    return f"[{points},{paths}]"


def _storey(storey: StoreyPlan) -> str:
    return _vector(
        [
            _number(storey.top),
            "undef" if storey.margin is None else _number(storey.margin),
            _number(storey.closing),
            _vector(map(_bar, storey.bars)),
            _vector(f"[{_bar(outer)},{_bar(inner)}]" for outer, inner in storey.frames),
            _vector(map(_bar, storey.holes)),
            _vector(map(_ring, storey.patches)),
        ]
    )


def _channel(blueprint: Blueprint) -> str:
    channel: Channel | None = blueprint.channel
    if channel is None:
        return "[]"
    boxes = [blueprint.block.box, *(bar.box for bar in blueprint.storeys[0].bars)]
    left, right = min(box.left for box in boxes), max(box.right for box in boxes)
    reach = [left - _OVERHANG, right - left + 2 * _OVERHANG]
    return _vector(map(_number, [*channel, *reach]))


def _bar(bar: Bar) -> str:
    return _vector(map(_number, [*bar.box, bar.radius]))


def _ring(ring: Ring) -> str:
    return _vector(f"[{_number(x)},{_number(y)}]" for x, y in ring.tolist())


def _vector(items: Iterable[str]) -> str:
    return f"[{','.join(items)}]"


def _number(value: float) -> str:
    return f"{value:.6f}"


def _merged(corners: NDArray[np.float32]) -> Mesh:
    vertices, triangles = np.unique(corners.reshape(-1, 3), axis=0, return_inverse=True)
    return Mesh(vertices, triangles.reshape(-1, 3).astype(np.int64))


def _mesh(body: manifold3d.Manifold) -> Mesh:
    mesh = body.to_mesh()
    return Mesh(np.asarray(mesh.vert_properties)[:, :3].astype(np.float32), np.asarray(mesh.tri_verts).astype(np.int64))
