"""What every engine offers: the protocol and the names. Keep out: any geometry."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from orchestration.prints.solid.mesh import Mesh
    from orchestration.prints.solid.sections import Drawing


class EngineName(StrEnum):
    """The engines by the name a setting uses."""

    NATIVE = "native"
    OPENSCAD = "openscad"


class Engine(Protocol):
    """Builds solids. What it returns is checked afterwards: an engine is never trusted."""

    @property
    def name(self) -> EngineName:
        """Which engine this is."""

    def solid(self, drawing: Drawing) -> Mesh:
        """Return the whole product as one solid, standing on z = 0.

        Raises:
            PermanentError: the engine cannot build it.
            TransientError: the engine was stopped or took too long.

        """

    def parts(self, drawing: Drawing) -> tuple[Mesh, Mesh]:
        """Return the product cut at its colour change: the body below, and the text above."""
