"""A gallery over a database of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.gallery.gallery import Gallery

if TYPE_CHECKING:
    from orchestration.services import Services
    from orchestration.settings import Settings


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings whose mirror tasks are tried again at once."""
    return settings.model_copy(update={"mirror_retry_seconds": 0.0})


@pytest.fixture
def gallery(services: Services) -> Gallery:
    """An empty gallery."""
    return Gallery(services)
