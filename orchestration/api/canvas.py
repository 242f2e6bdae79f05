"""The canvas over HTTP.

It holds the endpoints. Keep out: the work, which the domain's own functions do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from orchestration.api.routes import guarded_router

if TYPE_CHECKING:
    from orchestration.canvas.canvas import Canvas


def router(_canvas: Canvas) -> APIRouter:
    """The endpoints of the canvas."""
    return guarded_router("canvas")
