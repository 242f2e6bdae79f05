"""The outbox: what is to be told, written in the transaction in which it happened.

Belongs here: which channels there are, and announcing. Does not: sending (`delivery`).

A notice that was announced in a transaction that failed was never announced. One that was announced is told through
each channel that was set at that time; a channel that is set later hears nothing of it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from orchestration.notifications.mail import mail_channels
from orchestration.notifications.shipstation import shipstation_channels
from orchestration.notifications.short_links import new_token
from orchestration.notifications.tables import notification
from orchestration.notifications.webhook import webhook_channels
from orchestration.storage import bulk
from orchestration.work_queue.model import NewTask
from orchestration.work_queue.policy import Backoff, QueuePolicy, RetryPolicy
from orchestration.work_queue.queue import TaskQueue

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

    from orchestration.notifications.channel import Channel
    from orchestration.notifications.notice import Notice
    from orchestration.settings import Settings

# Longer than a send may take, so that none is taken for dead and sent by another in the meantime.
LEASE_SECONDS = 180.0
# Few, because a batch ends with its slowest message.
BATCH = 8
KEEP_DEAD = timedelta(days=30)


class Outbox:
    """What the settings say about notifications: `channels`, and the `queue` of what is to be told.

    Raises `ConfigurationError` for a channel that is set by half or wrongly.
    """

    def __init__(self, settings: Settings) -> None:
        self.public_url = settings.public_url
        retry = RetryPolicy(settings.notification_attempts, settings.notification_retry_seconds, Backoff.EXPONENTIAL)
        self.queue = TaskQueue(
            QueuePolicy("notification", retry, lease_seconds=LEASE_SECONDS, batch=BATCH, keep_dead=KEEP_DEAD)
        )
        self.channels: tuple[Channel, ...] = (
            *shipstation_channels(settings),
            *webhook_channels(settings),
            *mail_channels(settings),
        )

    def announce(self, connection: sa.Connection, notices: Sequence[Notice]) -> int:
        """Have each of `notices` told through every channel, once the caller's transaction is committed.

        What was announced before under the same key is passed over, whatever became of it. How many are new, counted
        for each channel.
        """
        entries = [
            _Entry(notice, channel, new_token())
            for notice in sorted(notices, key=lambda notice: notice.key)  # or two that announce at once might deadlock
            for channel in self.channels
            if channel.accepts(notice)
        ]
        rows = [entry.row() for entry in entries]
        columns = ("key", "channel", "event", "payload", "token")
        new = bulk.insert_new(connection, notification, rows, columns=columns, key="token")
        self.queue.enqueue(connection, [entry.task() for entry in entries if entry.token in new])
        return len(new)


class _Entry(NamedTuple):
    """One notice for one channel."""

    notice: Notice
    channel: Channel
    token: str

    def row(self) -> dict[str, object]:
        notice = self.notice
        return {
            "key": notice.key,
            "channel": self.channel.name,
            "event": notice.event,
            "payload": notice._asdict(),
            "token": self.token,
        }

    def task(self) -> NewTask:
        return NewTask(
            f"{self.channel.name}:{self.notice.key}",
            {"token": self.token},
            grouping=self.channel.name,
            order_key=self.channel.order_key(self.notice),
        )
