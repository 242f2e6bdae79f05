"""Working the outbox off: each notification through its channel, then marked as delivered.

Belongs here: the path of a batch from the queue to the channels and back. Does not: how a channel tells it.

Nothing can make the sending and its record one step. So the order is: send, then record in the transaction that
settles the task. What is recorded as delivered is never sent again. What was sent by a worker that died before it
could record it is sent once more, under the same id, by which the receiver can tell: ShipStation is asked first and
then told nothing, a webhook carries its id, a mail its Message-ID.

Messages of a batch are sent side by side and recorded one by one, so that none waits for another's record. A channel
whose other side does not answer is left alone for a while (`endpoint`), so that it does not keep all hands busy.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from orchestration.errors import OrchestrationError, PermanentError, TransientError
from orchestration.notifications.channel import Message
from orchestration.notifications.notice import Notice
from orchestration.notifications.short_links import short_link
from orchestration.notifications.tables import NotificationState, notification
from orchestration.work_queue.model import Outcome, TaskState, WorkerDiedError
from orchestration.work_queue.running import QueueRun, Results

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestration.notifications.channel import Channel
    from orchestration.notifications.outbox import Outbox
    from orchestration.storage.database import Database
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.drain import Drained
    from orchestration.work_queue.model import Settled, Task
    from orchestration.work_queue.running import DrainEnd

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
    database: Database, outbox: Outbox, end: DrainEnd, report: Callable[[Sequence[Delivery]], None]
) -> Drained:
    """Tell what is due; `report` hears of each attempt once it is recorded."""
    results = Results[Delivery]()

    def heard(settled: Sequence[Settled]) -> None:
        lost = [one for one in settled if isinstance(one.error, WorkerDiedError)]
        if deliveries := [*results.take(), *_record_lost(database, lost)]:
            report(deliveries)

    courier = Courier(database, outbox, results)
    # A batch that was held ready would wait for the slowest of the one before it.
    run = QueueRun(database, outbox.queue, end, concurrency=CONCURRENCY, prefetch=0)
    return await run.drain(courier.handle, heard)


class _Parcel(NamedTuple):
    """A notification and the task to tell it."""

    task: Task
    id: int
    key: str
    channel: str
    is_delivered: bool
    message: Message


class Courier:
    """Handles claims of the notification queue. `results` gets what became of each message once it is recorded."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        results: Results[Delivery],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._public_url = outbox.public_url
        self._channels: dict[str, Channel] = {channel.name: channel for channel in outbox.channels}
        self._results = results
        self._clock = clock

    async def handle(self, claim: Claim) -> None:
        """Tell a batch. Its tasks are settled one by one, also when one of them fails in a way that nobody foresaw."""
        parcels = await asyncio.to_thread(self._read, claim.tasks)
        ended = await asyncio.gather(*(self._carry(claim, parcel) for parcel in parcels), return_exceptions=True)
        for error in ended:
            if isinstance(error, BaseException):
                raise error

    def _read(self, tasks: Sequence[Task]) -> list[_Parcel]:
        by_token = {task.payload["token"]: task for task in tasks}
        with self._database.connect() as connection:
            rows = connection.execute(sa.select(notification).where(notification.c.token.in_(sorted(by_token))))
            return [self._parcel(by_token[row.token], row) for row in rows]

    def _parcel(self, task: Task, row: sa.Row[tuple[object, ...]]) -> _Parcel:
        message = Message(
            id=_stable_id(row.channel, row.key),
            notice=Notice(**row.payload),
            created_at=row.created_at,
            short_link=short_link(self._public_url, row.token),
        )
        return _Parcel(task, row.id, row.key, row.channel, row.delivered_at is not None, message)

    async def _carry(self, claim: Claim, parcel: _Parcel) -> None:
        error = None if parcel.is_delivered else await self._attempt(parcel)
        self._results.add([await asyncio.to_thread(self._record, claim, parcel, error)])

    async def _attempt(self, parcel: _Parcel) -> OrchestrationError | None:
        channel = self._channels.get(parcel.channel)
        if channel is None:
            return PermanentError(f"The channel {parcel.channel} is no longer set; set it and replay, or let it be")
        try:
            await channel.send(parcel.message)
        except OrchestrationError as error:
            return error
        return None

    def _record(self, claim: Claim, parcel: _Parcel, error: OrchestrationError | None) -> Delivery:
        retrying = Retrying(
            retry=retry_if_exception_type(TransientError),
            wait=wait_random_exponential(multiplier=0.1, max=1.0),
            stop=stop_after_delay(RECORD_SECONDS),
            reraise=True,
        )
        state: TaskState = retrying(self._settle, claim, parcel, error)
        problem = str(error) if error else None
        return Delivery(parcel.key, parcel.channel, state is not TaskState.WAITING, problem, parcel.task.attempt)

    def _settle(self, claim: Claim, parcel: _Parcel, error: OrchestrationError | None) -> TaskState:
        with self._database.begin() as connection:
            (settled,) = claim.settle(connection, [Outcome(parcel.task, error)])
            if not parcel.is_delivered:
                values = _values(settled.state, error, self._clock())
                connection.execute(
                    sa.update(notification)
                    .where(notification.c.id == parcel.id, notification.c.delivered_at.is_(None))
                    .values(values)
                )
        return settled.state


def _values(state: TaskState, error: Exception | None, now: datetime) -> dict[str, object]:
    reached = _STATES[state]
    is_delivered = reached is NotificationState.DELIVERED
    return {"state": reached, "problem": str(error) if error else None, "delivered_at": now if is_delivered else None}


def _record_lost(database: Database, lost: Sequence[Settled]) -> list[Delivery]:
    """Note what became of the tasks of dead workers, which nobody settled."""
    deliveries = []
    for one in lost:
        with database.begin() as connection:
            row = connection.execute(
                sa.update(notification)
                .where(notification.c.token == one.task.payload["token"], notification.c.delivered_at.is_(None))
                .values(state=_STATES[one.state], problem=str(one.error))
                .returning(notification.c.key, notification.c.channel)
            ).one_or_none()
        if row:
            is_final = one.state is not TaskState.WAITING
            deliveries.append(Delivery(row.key, row.channel, is_final, str(one.error), one.task.attempt))
    return deliveries


def _stable_id(channel: str, key: str) -> str:
    return hashlib.sha256(f"{channel}\n{key}".encode()).hexdigest()[:32]
