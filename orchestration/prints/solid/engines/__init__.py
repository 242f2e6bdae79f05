"""Engines that turn a drawing into a solid: `native`, and `openscad` as its reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.prints.solid.engines.engine import EngineName

if TYPE_CHECKING:
    from orchestration.prints.solid.engines.engine import Engine


def engine_named(name: EngineName, *, openscad_timeout: float | None = None) -> Engine:
    """Return the engine of a name; the time limit, in seconds, is for OpenSCAD.

    Raises:
        ConfigurationError: OpenSCAD is asked for and not installed.

    """
    if name is EngineName.NATIVE:
        from orchestration.prints.solid.engines.native import NativeEngine

        return NativeEngine()
    from orchestration.prints.solid.engines.openscad import DEFAULT_TIMEOUT, OpenScadEngine

    return OpenScadEngine(timeout=openscad_timeout or DEFAULT_TIMEOUT)
