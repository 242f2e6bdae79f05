"""The gallery's queues and their policies, from the settings; the tasks of the mirror queue.

It holds names, attempts, waits, and the form of a task. Keep out: what a task does.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from orchestration.work_queue.model import NewTask, Priority
from orchestration.work_queue.policy import Backoff, QueuePolicy, RetryPolicy
from orchestration.work_queue.queue import TaskQueue

if TYPE_CHECKING:
    from orchestration.settings import Settings

# The triggers enqueue under this name, so it is no setting.
MIRROR = "mirror"
# So many share what a claim costs by itself behind a backlog; who changes one of them again waits for its batch.
LARGEST_BATCH = 96


class MirrorOp(StrEnum):
    """What a writer reports about an item; the source decides what the mirror shows."""

    UPSERT = "upsert"
    UPDATE = "update"
    REMOVE = "remove"
    CREATOR = "creator"


def mirror_queue(settings: Settings) -> TaskQueue:
    """Items to bring in sync with the history; the key is the history id, or `creator:` and a uid."""
    retry = RetryPolicy(settings.mirror_attempts, settings.mirror_retry_seconds, Backoff.EXPONENTIAL)
    policy = QueuePolicy(
        MIRROR,
        retry,
        lease_seconds=settings.mirror_lease_seconds,
        batch=settings.mirror_batch,
        largest_batch=LARGEST_BATCH,
        poll_seconds=settings.mirror_poll_ms / 1000,
        longest_poll_seconds=settings.mirror_longest_poll_ms / 1000,
        promise_seconds=60.0,
        durable_claims=False,  # the mirror is written by the transaction that settles its tasks
    )
    return TaskQueue(policy)


def mirror_task(history_id: str, op: MirrorOp = MirrorOp.UPSERT, *, priority: Priority | None = None) -> NewTask:
    """A task that brings one item in sync. The triggers write the same, and with it the time of the change.

    What has to disappear goes before what has to appear.
    """
    usual = Priority.HIGH if op is MirrorOp.REMOVE else Priority.NORMAL
    return NewTask(history_id, {"op": op}, priority=usual if priority is None else priority)
