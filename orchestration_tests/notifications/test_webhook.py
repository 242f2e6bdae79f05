"""Webhooks as Standard Webhooks 1.0 has them, checked with its own library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from orchestration.notifications.addresses import end_address
from orchestration.notifications.health import ended_channels
from orchestration_tests.notifications.sending import LINK, SECRET, announce, drain, make_notice, make_outbox, states

if TYPE_CHECKING:
    from orchestration.notifications.outbox import Outbox
    from orchestration.storage.database import Database
    from orchestration_tests.notifications.receivers import Receiver

KEY = ("print:1:ab", "webhook")


@pytest.fixture
def outbox(receiver: Receiver) -> Outbox:
    """The webhook alone."""
    return make_outbox(webhook_url=f"{receiver.url}/hook/?token=hidden", webhook_secret=SECRET, notification_attempts=3)


async def test_the_receiver_can_tell_who_calls(database: Database, outbox: Outbox, receiver: Receiver) -> None:
    announce(database, outbox, make_notice(subject="Größe 1", data={"name": "Zoë"}))
    await drain(database, outbox)
    (request,) = receiver.requests
    document = Webhook(SECRET).verify(request.body, request.headers)
    assert (request.method, request.path, request.headers["content-type"]) == ("POST", "/hook/", "application/json")
    assert (document["type"], set(document)) == ("print.completed", {"type", "timestamp", "data"})
    assert document["data"] == {
        "key": "print:1:ab",
        "subject": "Größe 1",
        "text": "Anna on a key ring is ready to print.",
        "shop_order_id": "17",
        "link": LINK,
        "details": {"name": "Zoë"},
    }
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body.replace(b"17", b"18"), request.headers)


async def test_a_repetition_has_the_same_id_and_body(database: Database, outbox: Outbox, receiver: Receiver) -> None:
    receiver.answers = [(500, {}), (429, {"retry-after": "1"})]
    announce(database, outbox, make_notice(), make_notice("print:2:cd"))
    drained, _ = await drain(database, outbox)
    assert (drained.completed, drained.retried) == (2, 2)
    sent = [(request.headers["webhook-id"], request.body) for request in receiver.requests]
    assert len(sent) == 4
    assert len(set(sent)) == 2, "an id for each notice, and no other at the next attempt"
    for request in receiver.requests:
        Webhook(SECRET).verify(request.body, request.headers)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_success_is_success(database: Database, outbox: Outbox, receiver: Receiver, status: int) -> None:
    receiver.answers = [(status, {})]
    announce(database, outbox, make_notice())
    await drain(database, outbox)
    assert (states(database)[KEY], len(receiver.requests)) == ("delivered", 1)


@pytest.mark.parametrize("status", [301, 308, 400, 401, 404, 500])
async def test_any_answer_but_success_is_tried_again_and_no_redirect_is_followed(
    database: Database, outbox: Outbox, receiver: Receiver, status: int
) -> None:
    receiver.answers = [(status, {"location": f"{receiver.url}/elsewhere"})]
    announce(database, outbox, make_notice())
    _, (failed, delivered) = await drain(database, outbox)
    assert (states(database)[KEY], [request.path for request in receiver.requests]) == ("delivered", ["/hook/"] * 2)
    assert f"status {status}" in str(failed.problem)
    assert "hidden" not in str(failed.problem)
    assert delivered.problem is None


async def test_410_ends_the_address_until_another_is_set(
    database: Database, outbox: Outbox, receiver: Receiver
) -> None:
    announce(database, outbox, make_notice(), make_notice("print:2:cd"))
    receiver.answers = [(410, {}), (410, {})]
    drained, _ = await drain(database, outbox)
    assert drained.dead == 2
    asked = len(receiver.requests)

    assert announce(database, outbox, make_notice("print:3:ef")) == 0
    with database.connect() as connection:
        finding = ended_channels(connection, outbox.channels)
    assert finding.total == 1
    assert "ORCHESTRATION_WEBHOOK_URL" in str(finding.examples)
    assert "hidden" not in str(finding.examples)
    assert len(receiver.requests) == asked

    receiver.answers = []  # the second notice may have met the first one's end, and left its answer
    other = make_outbox(webhook_url=f"{receiver.url}/other/", webhook_secret=SECRET)
    assert announce(database, other, make_notice("print:4:gh")) == 1
    await drain(database, other)
    assert receiver.requests[-1].path == "/other/"
    with database.connect() as connection:
        assert ended_channels(connection, other.channels).total == 0


async def test_what_was_queued_before_its_address_ended_is_not_sent(
    database: Database, outbox: Outbox, receiver: Receiver
) -> None:
    announce(database, outbox, make_notice())
    with database.begin() as connection:
        [address] = [str(channel.address) for channel in outbox.channels]
        end_address(connection, address, "it answered with status 410")
    _, [delivery] = await drain(database, outbox)
    assert "address has ended" in str(delivery.problem)
    assert receiver.requests == []


async def test_a_receiver_that_is_away_is_tried_again(database: Database, outbox: Outbox, unused_tcp_port: int) -> None:
    away = make_outbox(
        webhook_url=f"http://127.0.0.1:{unused_tcp_port}/hook?token=hidden",
        webhook_secret=SECRET,
        notification_attempts=2,
    )
    announce(database, outbox, make_notice())
    drained, reported = await drain(database, away)
    assert (drained.retried, drained.dead) == (1, 1)
    assert "did not answer" in str(reported[-1].problem)
    assert "hidden" not in str(reported[-1].problem)
