"""The default engine: storeys built directly as triangles, 3D booleans for the cable channel alone.

manifold3d holds the interpreter's lock: render in processes, not in threads. Keep out: the regions (`sections`), and
the proof of caps (`terraces`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from orchestration.errors import PermanentError
from orchestration.lettering.offsets import segments
from orchestration.prints.solid.engines.engine import EngineName
from orchestration.prints.solid.mesh import Mesh
from orchestration.prints.solid.terraces import Storey, terraced

if TYPE_CHECKING:
    import manifold3d

    from orchestration.prints.solid.blueprint import Channel
    from orchestration.prints.solid.sections import Drawing
    from orchestration.prints.solid.terraces import Region


class NativeEngine:
    """Builds solids in this process, in milliseconds. Not for use by two threads at once."""

    def __init__(self) -> None:
        self._uncut: dict[int, _Uncut] = {}

    @property
    def name(self) -> EngineName:
        """Which engine this is."""
        return EngineName.NATIVE

    def solid(self, drawing: Drawing) -> Mesh:
        """Return the whole product as one solid.

        Raises:
            OpenCapError: a storey touches the edge of the one below.
            PermanentError: the channel could not be cut.

        """
        return self._built(drawing, len(drawing.regions))

    def parts(self, drawing: Drawing) -> tuple[Mesh, Mesh]:
        """Return the body below the colour change, and the text above it."""
        return self._built(drawing, len(drawing.regions) - 1), terraced(_storeys(drawing)[-1:])

    def _built(self, drawing: Drawing, height: int) -> Mesh:
        """Build the lowest `height` storeys, and cut the channel if there is one."""
        channel = drawing.blueprint.channel
        if channel is None:
            return terraced(_storeys(drawing)[:height])
        # The variants of a clip differ by their channel alone, so what it is cut from is made once for all.
        uncut = self._uncut.get(height)
        if uncut is None or uncut.regions is not drawing.regions:
            uncut = self._uncut[height] = _uncut(drawing, height)
        return _mesh(uncut.body - _channel(channel, uncut.left, uncut.length))


class _Uncut(NamedTuple):
    """A clip before its channel is cut, and where it begins and how long it is, in mm."""

    regions: tuple[Region, ...]
    body: manifold3d.Manifold
    left: float
    length: float


def _uncut(drawing: Drawing, height: int) -> _Uncut:
    import manifold3d as m3

    mesh = terraced(_storeys(drawing)[:height])
    body = m3.Manifold(m3.Mesh(mesh.vertices, mesh.triangles.astype(np.uint32)))
    if body.status() != m3.Error.NoError:
        raise PermanentError(f"the clip is no solid before its channel is cut: {body.status()}")
    return _Uncut(drawing.regions, body, float(mesh.low[0]), mesh.size.x)


def _storeys(drawing: Drawing) -> list[Storey]:
    plans = drawing.blueprint.storeys
    return [Storey(region, plan.bottom, plan.top) for region, plan in zip(drawing.regions, plans, strict=True)]


def _channel(channel: Channel, left: float, length: float) -> manifold3d.Manifold:
    import manifold3d as m3

    radius, overhang = channel.diameter / 2, 1.0
    start, reach = left - overhang, length + 2 * overhang
    # The slot begins below the bed, so that no sheet without thickness is left at z = 0.
    slot = m3.CrossSection.square((channel.slot_top + overhang, channel.slot_width)).translate(
        (-overhang, -channel.slot_width / 2)
    )
    bore = m3.CrossSection.circle(radius, segments(radius)).translate((channel.height, 0.0))
    # Drawn with x as height, then turned so that the extrusion runs along x.
    return (slot + bore).extrude(reach).rotate((0.0, -90.0, 0.0)).translate((start + reach, 0.0, 0.0))


def _mesh(body: manifold3d.Manifold) -> Mesh:
    mesh = body.to_mesh()
    return Mesh(np.asarray(mesh.vert_properties)[:, :3].astype(np.float32), np.asarray(mesh.tri_verts).astype(np.int64))
