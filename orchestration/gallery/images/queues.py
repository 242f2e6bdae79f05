"""The queues of the gallery's images, from the settings.

It holds names, attempts and waits. Keep out: what a task does.
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


def rendition_queue(settings: Settings) -> TaskQueue:
    """Stored images to make renditions of; the key is the content hash."""
    return _queue("gallery-variant", settings)


def _queue(name: str, settings: Settings) -> TaskQueue:
    retry = RetryPolicy(settings.image_attempts, settings.image_retry_seconds, Backoff.FIXED)
    return TaskQueue(QueuePolicy(name, retry, batch=settings.image_concurrency))
