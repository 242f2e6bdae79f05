"""A runner of the product's jobs, whose retries do not wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.cli.job_runner import JobRunner, job_runner
from orchestration_tests.cli.conftest import restored_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.settings import Settings


@pytest.fixture
def runner(settings: Settings, dagster_url: str) -> Iterator[JobRunner]:
    """A runner; the variables that it sets for Dagster are taken back."""
    values = {"dagster_database_url": dagster_url, "print_retry_seconds": 0.0, "print_attempts": 2}
    with restored_environment(), job_runner(settings.model_copy(update=values)) as runner:
        yield runner
