"""The default engine: storeys and channels built directly as triangles, without any 3D boolean.

Keep out: the regions (`sections`), the proof of caps (`terraces`), and how a channel is cut (`channels`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from orchestration.prints.solid.channels import channelled
from orchestration.prints.solid.engines.engine import EngineName
from orchestration.prints.solid.terraces import Storey, shell_of, terraced

if TYPE_CHECKING:
    from orchestration.prints.solid.mesh import Mesh
    from orchestration.prints.solid.sections import Drawing
    from orchestration.prints.solid.terraces import Region, Shell


class NativeEngine:
    """Builds solids in this process, in milliseconds. Not for use by two threads at once."""

    def __init__(self) -> None:
        self._uncut: dict[int, _Uncut] = {}
        """By the number of storeys."""

    @property
    def name(self) -> EngineName:
        """Which engine this is."""
        return EngineName.NATIVE

    def solid(self, drawing: Drawing) -> Mesh:
        """Return the whole product as one solid.

        Raises:
            OpenCapError: a storey touches the edge of the one below.
            PermanentError: the channel cannot be cut.

        """
        return self._built(drawing, len(drawing.regions))

    def parts(self, drawing: Drawing) -> tuple[Mesh, Mesh]:
        """Return the body below the colour change, and the text above it."""
        return self._built(drawing, len(drawing.regions) - 1), terraced(_storeys(drawing)[-1:])

    def _built(self, drawing: Drawing, height: int) -> Mesh:
        """Build the lowest `height` storeys, and cut the channel if there is one."""
        channel, storeys = drawing.blueprint.channel, _storeys(drawing)[:height]
        if channel is None:
            return terraced(storeys)
        # The variants of a clip differ by their channel alone, so what it is cut from is made once for all.
        uncut = self._uncut.get(height)
        if uncut is None or uncut.regions is not drawing.regions:
            uncut = self._uncut[height] = _Uncut(drawing.regions, shell_of(storeys))
        return channelled(uncut.shell, storeys[0].region, channel)


class _Uncut(NamedTuple):
    """A clip before its channel is cut."""

    regions: tuple[Region, ...]
    shell: Shell


def _storeys(drawing: Drawing) -> list[Storey]:
    plans = drawing.blueprint.storeys
    return [Storey(region, plan.bottom, plan.top) for region, plan in zip(drawing.regions, plans, strict=True)]
