"""What the tests of render jobs share: mockups with small files instead of real ones, and a shirt in the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.mockups.mockups import Mockups
from orchestration.services import Services
from orchestration_tests.mockups.drawing import sketch
from orchestration_tests.mockups.rendering import add_products

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.settings import Settings
    from orchestration.storage.database import Database


@pytest.fixture
def mockup_settings(settings: Settings) -> Settings:
    """Settings whose retries do not wait."""
    return settings.model_copy(update={"mockup_retry_seconds": 0.0})


@pytest.fixture
def mockups(mockup_settings: Settings, database: Database) -> Iterator[Mockups]:
    """Mockups of a shirt that the catalogue has."""
    add_products(database)
    services = Services(mockup_settings)
    yield Mockups(services, sketch)
    services.close()
