"""What the tests of render jobs share: the service over one transaction, with a clock that they set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from orchestration.mockups.jobs.service import RenderJobs

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy as sa

    from orchestration.storage.database import Database

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Clock:
    """A time that goes on when a test says so."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def wait(self, **duration: float) -> datetime:
        self.now += timedelta(**duration)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def connection(database: Database) -> Iterator[sa.Connection]:
    """One transaction, which is committed if the test ends well."""
    with database.begin() as connection:
        yield connection


class Jobs(RenderJobs):
    """The service in one transaction, at the time of a test's clock."""

    def __init__(self, connection: sa.Connection, clock: Clock) -> None:
        super().__init__(connection, lambda key: f"https://objects.example/{key}", clock)
        self.connection = connection


@pytest.fixture
def jobs(connection: sa.Connection, clock: Clock) -> Jobs:
    return Jobs(connection, clock)
