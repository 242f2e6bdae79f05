"""A queue to test with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration_tests.work_queue.queues import make_queue

if TYPE_CHECKING:
    from orchestration.work_queue.queue import TaskQueue


@pytest.fixture
def queue() -> TaskQueue:
    """Three attempts, a minute apart."""
    return make_queue()
