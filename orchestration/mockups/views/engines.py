"""The engines by their names.

Keep out: what an engine is (`engine`), and what each does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.mockups.mockup_request import EngineName

if TYPE_CHECKING:
    from orchestration.mockups.views.engine import Engine, EngineOptions


def engine_named(name: EngineName, options: EngineOptions) -> Engine:
    """The engine of that name. Raises `ConfigurationError` if it needs a program that is not installed."""
    if name is EngineName.BLENDER:
        from orchestration.mockups.views.blender import BlenderEngine

        return BlenderEngine(options.blender)
    from orchestration.mockups.views.renderer import Renderer

    return Renderer(options.passes)


def engine_version(name: EngineName) -> str:
    """The version of an engine's pictures, without looking for its program."""
    if name is EngineName.BLENDER:
        from orchestration.mockups.views.blender import BLENDER_ENGINE_VERSION

        return BLENDER_ENGINE_VERSION
    from orchestration.mockups.views.renderer import RENDERER_VERSION

    return RENDERER_VERSION
