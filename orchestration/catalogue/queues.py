"""The catalogue's queues and their policies, from the settings.

It holds names, attempts and waits. Keep out: what a task does.
The first two names are those of the system that this one replaces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.work_queue.policy import Backoff, QueuePolicy, RetryPolicy
from orchestration.work_queue.queue import TaskQueue

if TYPE_CHECKING:
    from orchestration.settings import Settings


def family_queue(settings: Settings) -> TaskQueue:
    """Families to download and import; the key is the a_number."""
    retry = RetryPolicy(settings.family_attempts, settings.family_retry_seconds, Backoff.EXPONENTIAL)
    return TaskQueue(QueuePolicy("product-family", retry))


def image_queue(settings: Settings) -> TaskQueue:
    """Images to mirror; the key is the source URL."""
    retry = RetryPolicy(settings.image_attempts, settings.image_retry_seconds, Backoff.FIXED)
    return TaskQueue(QueuePolicy("image-upload", retry))


def rendition_queue(settings: Settings) -> TaskQueue:
    """Stored images whose renditions are due; the key is the content hash."""
    retry = RetryPolicy(settings.image_attempts, settings.image_retry_seconds, Backoff.FIXED)
    return TaskQueue(QueuePolicy("image-variant", retry))
