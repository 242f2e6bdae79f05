"""From the outbox to the channels: each message arrives, is recorded, and holds up no other."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from orchestration.errors import TransientError
from orchestration.notifications.delivery import Delivery
from orchestration.notifications.endpoint import Endpoint
from orchestration.notifications.health import dead_notifications
from orchestration.notifications.webhook import WebhookChannel
from orchestration.storage.database import Database
from orchestration_tests.notifications.sending import SECRET, announce, drain, make_notice, make_outbox, rows, states
from orchestration_tests.work_queue.queues import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy as sa

    from orchestration.notifications.channel import Message
    from orchestration.notifications.notice import Notice
    from orchestration.notifications.outbox import Outbox
    from orchestration_tests.notifications.receivers import Mailbox, Receiver, Shop


@pytest.fixture
def outbox(receiver: Receiver, shop: Shop, mailbox: Mailbox) -> Outbox:
    """All three channels, to servers that run."""
    return make_outbox(
        webhook_url=receiver.url,
        webhook_secret=SECRET,
        shipstation_url=shop.url,
        shipstation_api_key="key",
        shipstation_api_secret="secret",  # noqa: S106 - nobody's
        smtp_url=mailbox.url,
        mail_to=("maker@example.org",),
        notification_attempts=3,
    )


CHANNELS = ["shipstation", "webhook", "email:maker@example.org"]


async def test_a_notice_reaches_every_channel_once(
    database: Database, outbox: Outbox, receiver: Receiver, shop: Shop, mailbox: Mailbox
) -> None:
    announce(database, outbox, make_notice())
    drained, reported = await drain(database, outbox)

    assert (drained.completed, drained.retried, drained.dead) == (3, 0, 0)
    expected = [Delivery("print:1:ab", name, is_final=True, problem=None, attempt=1) for name in CHANNELS]
    assert sorted(reported) == sorted(expected)
    assert set(states(database).values()) == {"delivered"}
    assert all(row.delivered_at >= row.created_at for row in rows(database).values())
    assert (len(receiver.requests), len(shop.posted), len(mailbox.mails)) == (1, 1, 1)

    drained, reported = await drain(database, outbox)
    assert (drained.completed, reported) == (0, [])
    assert (len(receiver.requests), len(shop.posted), len(mailbox.mails)) == (1, 1, 1)


async def test_a_failing_channel_fails_alone_and_keeps_its_reason(
    database: Database, outbox: Outbox, receiver: Receiver, shop: Shop, mailbox: Mailbox
) -> None:
    receiver.answers = [(500, {}), (503, {}), (500, {})]
    announce(database, outbox, make_notice())
    drained, reported = await drain(database, outbox)

    assert (drained.completed, drained.retried, drained.dead) == (2, 2, 1)
    assert (len(shop.posted), len(mailbox.mails)) == (1, 1)
    assert states(database) == {
        ("print:1:ab", "shipstation"): "delivered",
        ("print:1:ab", "webhook"): "given up",
        ("print:1:ab", "email:maker@example.org"): "delivered",
    }
    failures = [(one.is_final, one.attempt, one.problem) for one in reported if one.problem]
    assert [failure[:2] for failure in failures] == [(False, 1), (False, 2), (True, 3)]
    assert failures[-1][2] == rows(database)["print:1:ab", "webhook"].problem
    assert "answered with status 500" in str(failures[-1][2])


async def test_what_was_given_up_is_found_and_can_be_tried_again(
    database: Database, outbox: Outbox, receiver: Receiver, mailbox: Mailbox
) -> None:
    attempts = outbox.queue.policy.retry.attempts
    receiver.answers = [(400, {})] * attempts
    announce(database, outbox, make_notice())
    await drain(database, outbox)
    with database.begin() as connection:
        finding = dead_notifications(connection)
        assert (finding.total, finding.examples[0][:4]) == (1, ("webhook", "print:1:ab", "print.completed", attempts))
        assert "status 400" in str(finding.examples[0][4])
        assert outbox.queue.replay(connection) == 1

    await drain(database, outbox)
    with database.connect() as connection:
        assert dead_notifications(connection).total == 0
    assert rows(database)["print:1:ab", "webhook"].problem is None
    assert set(states(database).values()) == {"delivered"}
    assert (len(receiver.requests), len(mailbox.mails)) == (attempts + 1, 1)


async def test_a_receiver_that_hangs_is_left_alone_while_the_others_are_told(
    database: Database, outbox: Outbox, receiver: Receiver, mailbox: Mailbox
) -> None:
    released = asyncio.Event()

    async def hang() -> None:
        await released.wait()

    receiver.before = hang
    _, _, mail = outbox.channels
    outbox.channels = (WebhookChannel(Endpoint(receiver.url, "", total_seconds=0.5), SECRET),)
    announce(database, outbox, *(make_notice(f"first:{number:03}") for number in range(150)))
    outbox.channels = (*outbox.channels, mail)
    announce(database, outbox, *(make_notice(f"later:{number}") for number in range(5)))

    draining = asyncio.create_task(drain(database, outbox))
    await until(lambda: len(mailbox.mails) == 5)
    assert len(receiver.requests) < 100, "most calls to the hanging server were spared"
    released.set()
    draining.cancel()
    with suppress(asyncio.CancelledError):
        await draining


class Broken:
    """A channel with a defect."""

    name = "broken"
    address = None

    def accepts(self, notice: Notice) -> bool:  # noqa: ARG002 - the interface's
        return True

    def order_key(self, notice: Notice) -> str | None:  # noqa: ARG002 - the interface's
        return None

    async def send(self, message: Message) -> None:
        raise ZeroDivisionError(message.id)


async def test_a_defect_in_one_channel_leaves_the_rest_of_the_batch_alone(
    database: Database, outbox: Outbox, receiver: Receiver
) -> None:
    outbox.channels = (Broken(), outbox.channels[1])
    announce(database, outbox, make_notice())
    drained, _ = await drain(database, outbox)
    assert (drained.completed, drained.retried, drained.dead) == (1, 2, 1)
    assert len(receiver.requests) == 1
    with database.connect() as connection:
        assert "ZeroDivisionError" in str(dead_notifications(connection).examples[0][4])


async def test_a_channel_that_is_no_longer_set_gives_up_with_a_reason(database: Database, outbox: Outbox) -> None:
    announce(database, outbox, make_notice())
    drained, _ = await drain(database, make_outbox())
    assert drained.dead == 3
    assert "no longer set" in rows(database)["print:1:ab", "webhook"].problem


class Interrupted(Database):
    """A database that goes away for a moment once it is told to."""

    failures = 0

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        with super().begin() as connection:
            yield connection
            if self.failures:
                self.failures -= 1
                raise TransientError("The database did not answer")


async def test_a_database_that_goes_away_before_the_record_has_nothing_told_twice(
    database: Database, outbox: Outbox, receiver: Receiver
) -> None:
    interrupted = Interrupted(database.url)
    outbox.channels = outbox.channels[1:2]
    announce(database, outbox, make_notice())

    async def break_down() -> None:
        interrupted.failures = 2

    receiver.before = break_down
    drained, _ = await drain(interrupted, outbox)
    interrupted.close()
    assert (drained.completed, len(receiver.requests), interrupted.failures) == (1, 1, 0)
    assert set(states(database).values()) == {"delivered"}
