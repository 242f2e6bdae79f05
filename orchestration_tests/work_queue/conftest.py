"""A queue to test with, and a drain that does not look around by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.work_queue.policy import QueuePolicy
from orchestration_tests.work_queue.queues import make_queue

if TYPE_CHECKING:
    from orchestration.work_queue.queue import TaskQueue


@pytest.fixture
def queue() -> TaskQueue:
    """Three attempts, a minute apart."""
    return make_queue()


@pytest.fixture
def no_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever wakes the drain now is not its own looking around."""
    monkeypatch.setattr(QueuePolicy, "poll", lambda _policy, _in_vain: 1_000.0)
