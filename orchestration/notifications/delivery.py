"""Draining the outbox: each notification goes through its channel, and is marked as delivered then.

Sending and recording cannot be one step. So the order is: send, then record in the transaction that settles the task.
What is recorded as delivered is never sent again. What was sent by a worker that died before it could record it is sent
once more, under the same id, by which the receiver recognises it: ShipStation is asked first and then not written to,
a webhook carries its id, a mail its Message-ID.

Messages of a batch are sent side by side and recorded one by one, so that none waits for another's record. A channel
whose server does not answer is left alone for a while (`endpoint`), so that it does not keep every slot busy. Keep out:
what a channel sends.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from orchestration.errors import PermanentError, TransientError
from orchestration.notifications.addresses import end_address, ended_addresses
from orchestration.notifications.channel import AddressEndedError, Message
from orchestration.notifications.notice import Notice
from orchestration.notifications.short_links import short_link
from orchestration.notifications.tables import NotificationState, notification
from orchestration.work_queue.claim import TaskHandler
from orchestration.work_queue.drain import drain_queue
from orchestration.work_queue.logs import log_unexpected
from orchestration.work_queue.model import Outcome, TaskState
from orchestration.work_queue.rounds import ROUND_SECONDS
from orchestration.work_queue.unexpected import unexpected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestration.errors import OrchestrationError
    from orchestration.notifications.channel import Channel
    from orchestration.notifications.outbox import Outbox
    from orchestration.storage.database import Database
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Settled, Task
    from orchestration.work_queue.options import DrainOptions, DrainResult

CONCURRENCY = 8
# How long a record waits for a database that is away: what is not recorded is sent again.
RECORD_SECONDS = 30.0

_STATES = {
    TaskState.COMPLETED: NotificationState.DELIVERED,
    TaskState.DEAD: NotificationState.GIVEN_UP,
    TaskState.WAITING: NotificationState.WAITING,
}


class Delivery(NamedTuple):
    """How an attempt at a notification ended: delivered when `problem` is None; one that is not final is retried."""

    key: str
    channel: str
    is_final: bool
    problem: str | None
    attempt: int


async def deliver(
    database: Database, outbox: Outbox, on_batch: Callable[[Sequence[Delivery]], None], options: DrainOptions
) -> DrainResult:
    """Deliver what is due; `on_batch` is called after each attempt that was recorded."""
    # A batch that was held ready would wait for the slowest of the one before it.
    options = replace(options, concurrency=CONCURRENCY, prefetch=0)
    return await drain_queue(database, outbox.queue, NotificationHandler(database, outbox), on_batch, options)


class _Delivery(NamedTuple):
    """A notification and the task to deliver it."""

    task: Task
    id: int
    key: str
    channel: str
    is_delivered: bool
    message: Message


class NotificationHandler(TaskHandler[Delivery]):
    """Handles claims of the notification queue; its results are deliveries."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._public_url = outbox.public_url
        self._channels: dict[str, Channel] = {channel.name: channel for channel in outbox.channels}
        self._clock = clock

    async def handle(self, claim: Claim[Delivery]) -> None:
        """Deliver a batch. Its tasks are settled one by one, so that none waits for another's record."""
        deliveries = await asyncio.to_thread(self._read, claim.tasks)
        if not deliveries:
            return
        attempts = [asyncio.create_task(self._deliver(claim, one)) for one in deliveries]
        try:
            _, slow = await asyncio.wait(attempts, timeout=ROUND_SECONDS)
            if slow:
                await claim.pass_on()
                claim.linger()
            # Each is awaited, since a message that was sent has to be recorded.
            ended = await asyncio.gather(*attempts, return_exceptions=True)
        finally:
            for one in attempts:
                one.cancel()
        for error in ended:
            if error is not None:
                raise error

    def failure(self, settled: Settled) -> Delivery:
        """The delivery of a task that failed unexpectedly; its group is the channel."""
        task, channel = settled.task, settled.task.grouping or ""
        key, is_final = task.key.removeprefix(f"{channel}:"), settled.state is not TaskState.WAITING
        return Delivery(key, channel, is_final, str(settled.error), task.attempt)

    def record_failures(self, connection: sa.Connection, failures: Sequence[Settled]) -> None:
        """Write what happened to such notifications."""
        for one in failures:
            connection.execute(
                sa.update(notification)
                .where(notification.c.token == _token(one.task), notification.c.delivered_at.is_(None))
                .values(_values(one.state, one.error, self._clock()))
            )

    def _read(self, tasks: Sequence[Task]) -> list[_Delivery]:
        by_token = {_token(task): task for task in tasks}
        with self._database.connect() as connection:
            rows = connection.execute(sa.select(notification).where(notification.c.token.in_(sorted(by_token))))
            return [self._delivery(by_token[row.token], row) for row in rows]

    def _delivery(self, task: Task, row: sa.Row[tuple[object, ...]]) -> _Delivery:
        message = Message(
            id=_stable_id(row.channel, row.key),
            notice=Notice(**row.payload),
            created_at=row.created_at,
            short_link=short_link(self._public_url, row.token),
        )
        return _Delivery(task, row.id, row.key, row.channel, row.delivered_at is not None, message)

    async def _deliver(self, claim: Claim[Delivery], delivery: _Delivery) -> None:
        error = None if delivery.is_delivered else await self._attempt(delivery)
        claim.report(delivery.task, await asyncio.to_thread(self._record, claim, delivery, error))

    async def _attempt(self, delivery: _Delivery) -> OrchestrationError | None:
        channel = self._channels.get(delivery.channel)
        if channel is None:
            return PermanentError(f"The channel {delivery.channel} is no longer set; set it and replay, or let it be")
        if reason := await asyncio.to_thread(self._ended, channel):
            return PermanentError(f"Not sent, since its address has ended: {reason}")
        try:
            await channel.send(delivery.message)
        except Exception as error:  # noqa: BLE001 - an error in a channel is how this one attempt ended
            log_unexpected(delivery.task, error)
            return unexpected(delivery.task, error)
        return None

    def _ended(self, channel: Channel) -> str | None:
        """Why nothing may be sent through the channel any more."""
        if channel.address is None:
            return None
        with self._database.connect() as connection:
            return ended_addresses(connection, [channel]).get(channel.address)

    def _record(self, claim: Claim[Delivery], delivery: _Delivery, error: OrchestrationError | None) -> Delivery:
        retrying = Retrying(
            retry=retry_if_exception_type(TransientError),
            wait=wait_random_exponential(multiplier=0.1, max=1.0),
            stop=stop_after_delay(RECORD_SECONDS),
            reraise=True,
        )
        state: TaskState = retrying(self._settle, claim, delivery, error)
        problem = str(error) if error else None
        return Delivery(delivery.key, delivery.channel, state is not TaskState.WAITING, problem, delivery.task.attempt)

    def _settle(self, claim: Claim[Delivery], delivery: _Delivery, error: OrchestrationError | None) -> TaskState:
        with claim.transaction() as connection:
            (settled,) = claim.settle(connection, [Outcome(delivery.task, error)])
            channel = self._channels.get(delivery.channel)
            if isinstance(error, AddressEndedError) and channel is not None and channel.address:
                end_address(connection, channel.address, str(error))
            if not delivery.is_delivered:
                values = _values(settled.state, error, self._clock())
                connection.execute(
                    sa.update(notification)
                    .where(notification.c.id == delivery.id, notification.c.delivered_at.is_(None))
                    .values(values)
                )
        return settled.state


def _token(task: Task) -> str:
    """The token of the task's notification; empty when somebody else has queued the task without one."""
    payload = task.payload
    return str(payload.get("token", "")) if isinstance(payload, dict) else ""


def _values(state: TaskState, error: Exception | None, now: datetime) -> dict[str, object]:
    reached = _STATES[state]
    # PostgreSQL stores neither NUL nor lone surrogates.
    problem = str(error).replace("\0", "\\x00").encode(errors="backslashreplace").decode() if error else None
    return {"state": reached, "problem": problem, "delivered_at": now if state is TaskState.COMPLETED else None}


def _stable_id(channel: str, key: str) -> str:
    return hashlib.sha256(f"{channel}\n{key}".encode()).hexdigest()[:32]
