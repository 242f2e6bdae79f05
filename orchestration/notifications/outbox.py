"""The outbox: notices for the outside, queued in the transaction of what they report.

A notice that is queued in a transaction that fails is not sent. A queued notice goes through each channel that is set
at that time and whose address has not ended, and through none that is set later. Keep out: sending (`delivery`), and
the channels' messages.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from orchestration.notifications.addresses import ended_addresses
from orchestration.notifications.callback import callback_channels
from orchestration.notifications.mail import mail_channels
from orchestration.notifications.shipstation import shipstation_channels
from orchestration.notifications.short_links import new_token
from orchestration.notifications.tables import notification
from orchestration.notifications.webhook import webhook_channels
from orchestration.storage import bulk
from orchestration.work_queue.model import NewTask
from orchestration.work_queue.policy import Backoff, QueuePolicy, Retention, RetryPolicy
from orchestration.work_queue.queue import TaskQueue

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

    from orchestration.notifications.channel import Channel
    from orchestration.notifications.notice import Notice
    from orchestration.settings import Settings

# Longer than a send may take, so that none is taken for dead and sent by another in the meantime.
LEASE_SECONDS = 180.0
# The default attempts and waits add up to a day and a half: a receiver that is down over night misses nothing.
LONGEST_WAIT_SECONDS = 6 * 3600.0
# Few, because a batch ends with its slowest message.
BATCH = 8
KEEP_DEAD = Retention(age=timedelta(days=30), count=100_000)


class Outbox:
    """The notifications of these settings: their `channels`, and their `queue`.

    Raises `ConfigurationError` for a channel that is set by half or wrongly.
    """

    def __init__(self, settings: Settings) -> None:
        self.public_url = settings.public_url
        retry = RetryPolicy(
            settings.notification_attempts,
            settings.notification_retry_seconds,
            Backoff.EXPONENTIAL,
            LONGEST_WAIT_SECONDS,
        )
        self.queue = TaskQueue(
            QueuePolicy(
                "notification",
                retry,
                lease_seconds=LEASE_SECONDS,
                batch=BATCH,
                keep_dead=KEEP_DEAD,
                promise_seconds=900.0,
            )
        )
        self.channels: tuple[Channel, ...] = (
            *shipstation_channels(settings),
            *webhook_channels(settings),
            *mail_channels(settings),
            *callback_channels(settings),
        )

    def enqueue(self, connection: sa.Connection, notices: Sequence[Notice]) -> int:
        """Queue each notice for every channel, to be sent once the caller's transaction is committed.

        A notice whose key was queued before is passed over, whatever happened to it. Returns how many are new, counted
        for each channel.
        """
        ended = ended_addresses(connection, self.channels) if notices else {}
        entries = [
            _Entry(notice, channel, new_token())
            for notice in sorted(notices, key=lambda notice: notice.key)  # or two transactions might deadlock
            for channel in self.channels
            if channel.accepts(notice) and channel.address not in ended
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
