"""The API over both databases, to be scraped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.services import Services
from orchestration_tests.api.conftest import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.settings import Settings


@pytest.fixture
def services(settings: Settings, dagster_url: str) -> Services:
    """Services that know a database of Dagster too; the server closes them."""
    settings.home.mkdir()
    return Services(settings.model_copy(update={"dagster_database_url": dagster_url}))


@pytest.fixture
def base_url(services: Services) -> Iterator[str]:
    """The running API of the test's services."""
    with serving(services) as url:
        services.objects.backend  # noqa: B018 - its folder is there from then on
        yield url
