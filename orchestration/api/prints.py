"""The prints over HTTP.

It holds the endpoints. Keep out: the work, which the domain's own functions do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from orchestration.api.routes import guarded_router

if TYPE_CHECKING:
    from orchestration.prints.prints import Prints


def router(_prints: Prints) -> APIRouter:
    """The endpoints of the prints."""
    return guarded_router("prints")
