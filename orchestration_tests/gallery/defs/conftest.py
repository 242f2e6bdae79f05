"""The gallery's definitions over an empty gallery, and an instance to run them on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pytest

from orchestration.gallery import defs
from orchestration.gallery.gallery import Gallery
from orchestration.work_queue.policy import QueuePolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.services import Services


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance in memory: what these tests ask of it does not depend on where it lies."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def gallery(services: Services, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    """An empty gallery, whose drains find out quickly that there is nothing left to do."""
    monkeypatch.setattr(QueuePolicy, "poll", lambda _policy, _empty_polls: 0.02)
    return Gallery(services)


@pytest.fixture
def loaded(gallery: Gallery) -> dg.Definitions:
    """The definitions over it."""
    return defs.definitions(gallery)
