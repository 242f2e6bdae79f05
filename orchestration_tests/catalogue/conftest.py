"""A feed in a folder, a server for it, and a catalogue that syncs from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.catalogue.catalogue import Catalogue
from orchestration.services import Services
from orchestration_tests.catalogue.feed_folder import FeedFolder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestration.settings import Settings


@pytest.fixture
def feed(tmp_path: Path) -> FeedFolder:
    """An empty feed, read as files."""
    return FeedFolder(tmp_path / "feed", (tmp_path / "feed").as_uri())


@pytest.fixture
def catalogue(settings: Settings, feed: FeedFolder) -> Iterator[Catalogue]:
    """A catalogue over that feed."""
    services = Services(settings.model_copy(update={"promidata_base_url": feed.base_url}))
    yield Catalogue(services)
    services.close()
