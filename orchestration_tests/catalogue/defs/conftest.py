"""The catalogue's definitions over a feed and a database of the test's own, and a runner of its jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pytest

from orchestration.assembly import build_definitions
from orchestration.cli.job_runner import JobRunner, job_runner
from orchestration.domains import Domains
from orchestration.services import Services
from orchestration_tests.cli.feed_folder import FeedFolder as PlainFeed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestration.settings import Settings
    from orchestration_tests.catalogue.feed_folder import FeedFolder


@pytest.fixture
def runner(
    settings: Settings, feed: FeedFolder, dagster_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[JobRunner]:
    """A runner over the feed; the variables that it sets for Dagster are taken back."""
    for name in ("DAGSTER_HOME", "ORCHESTRATION_HOME", "ORCHESTRATION_DATABASE_URL", "PROMIDATA_BASE_URL"):
        monkeypatch.setenv(name, "")
    for name in ("ORCHESTRATION_DAGSTER_DATABASE_URL", "ORCHESTRATION_OBJECT_STORE", "ORCHESTRATION_LOG_DIRECTORY"):
        monkeypatch.setenv(name, "")
    values = {"promidata_base_url": feed.base_url, "dagster_database_url": dagster_url}
    with job_runner(settings.model_copy(update=values)) as runner:
        yield runner


@pytest.fixture
def plain_feed(tmp_path: Path) -> PlainFeed:
    """A feed of two suppliers."""
    feed = PlainFeed(tmp_path / "plain-feed")
    feed.put_plain("A23-1", "A23-2", "A461-1")
    feed.publish()
    return feed


@pytest.fixture
def domains(settings: Settings, plain_feed: PlainFeed) -> Iterator[Domains]:
    """The domains over that feed, and a database of their own."""
    services = Services(settings.model_copy(update={"promidata_base_url": plain_feed.url}))
    yield Domains(services)
    services.close()


@pytest.fixture
def loaded(domains: Domains) -> dg.Definitions:
    """The definitions over them."""
    return build_definitions(domains.services.settings, domains)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance in memory: what these tests ask of it does not depend on where it lies."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance
