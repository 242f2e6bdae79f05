"""What the tests of previews share: fonts opened once, and previews over a database of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.previews.film.typesetting import Typesetter
from orchestration.previews.previews import Previews
from orchestration.services import Services

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.settings import Settings


@pytest.fixture(scope="session")
def typesetter() -> Typesetter:
    return Typesetter()


@pytest.fixture
def preview_settings(settings: Settings) -> Settings:
    """Settings whose retries do not wait."""
    return settings.model_copy(update={"preview_retry_seconds": 0.0, "preview_attempts": 2})


@pytest.fixture
def preview_services(preview_settings: Settings) -> Iterator[Services]:
    services = Services(preview_settings)
    yield services
    services.close()


@pytest.fixture
def previews(preview_services: Services) -> Previews:
    return Previews(preview_services)
