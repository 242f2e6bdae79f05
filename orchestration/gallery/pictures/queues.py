"""The queues of the gallery's images, from the settings.

Belongs here: names, attempts, waits. Does not: what a task does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.work_queue.policy import Backoff, QueuePolicy, RetryPolicy
from orchestration.work_queue.queue import TaskQueue

if TYPE_CHECKING:
    from orchestration.settings import Settings


def image_queue(settings: Settings) -> TaskQueue:
    """Images to fetch; the key is the source URL."""
    return _queue("gallery-image", settings)


def variant_queue(settings: Settings) -> TaskQueue:
    """Stored images whose variants are to be made; the key is the content hash."""
    return _queue("gallery-variant", settings)


def _queue(name: str, settings: Settings) -> TaskQueue:
    retry = RetryPolicy(settings.image_attempts, settings.image_retry_seconds, Backoff.FIXED)
    return TaskQueue(QueuePolicy(name, retry, batch=settings.image_concurrency))
