"""What is announced is told once, and only if it happened."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from orchestration.errors import ConfigurationError
from orchestration.notifications.outbox import Outbox
from orchestration.settings import Settings
from orchestration_tests.notifications.sending import SECRET, announce, drain, make_notice, make_outbox, rows, states

if TYPE_CHECKING:
    from orchestration.storage.database import Database
    from orchestration_tests.notifications.receivers import Receiver

EVERYTHING = {
    "shipstation_api_key": "key",
    "shipstation_api_secret": "secret",
    "webhook_url": "https://receiver.example/hook",
    "webhook_secret": SECRET,
    "mail_to": ("one@example.org", "two@example.org"),
}
NAMES = ["shipstation", "webhook", "email:one@example.org", "email:two@example.org"]


def queued(database: Database, outbox: Any) -> int:  # noqa: ANN401
    with database.connect() as connection:
        return int(outbox.queue.counts(connection).waiting)


def test_each_channel_gets_its_own_row_and_task(database: Database) -> None:
    outbox = make_outbox(**EVERYTHING)
    assert announce(database, outbox, make_notice("a"), make_notice("b")) == 8
    assert states(database) == {(key, name): "waiting" for key in "ab" for name in NAMES}
    assert queued(database, outbox) == 8
    row = rows(database)["a", "webhook"]
    assert (row.event, row.payload["data"], row.delivered_at) == (
        "print.completed",
        {"task": 1, "files": ["anna.stl"]},
        None,
    )


@pytest.mark.parametrize("values", [{"shop_order_id": None}, {"link": None}])
def test_the_shop_hears_only_of_orders_with_something_to_write(database: Database, values: dict[str, Any]) -> None:
    outbox = make_outbox(**EVERYTHING)
    assert announce(database, outbox, make_notice(**values)) == 3
    assert "shipstation" not in {channel for _, channel in rows(database)}


def test_without_channels_nothing_is_written(database: Database) -> None:
    outbox = make_outbox()
    assert outbox.channels == ()
    assert announce(database, outbox, make_notice()) == 0
    assert rows(database) == {}


async def test_what_was_announced_in_a_failed_transaction_is_never_told(database: Database, receiver: Receiver) -> None:
    outbox = make_outbox(webhook_url=receiver.url, webhook_secret=SECRET)

    def fail() -> None:
        with database.begin() as connection:
            assert outbox.enqueue(connection, [make_notice()]) == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    await drain(database, outbox)
    assert (receiver.requests, rows(database)) == ([], {})
    assert announce(database, outbox, make_notice()) == 1, "so it was never announced"


async def test_what_was_announced_before_is_passed_over(database: Database, receiver: Receiver) -> None:
    outbox = make_outbox(webhook_url=receiver.url, webhook_secret=SECRET)
    assert announce(database, outbox, make_notice("a"), make_notice("a", text="again")) == 1
    assert announce(database, outbox, make_notice("a")) == 0
    await drain(database, outbox)
    assert announce(database, outbox, make_notice("a"), make_notice("b")) == 1
    await drain(database, outbox)
    assert [request.json["data"]["key"] for request in receiver.requests] == ["a", "b"]
    assert receiver.requests[0].json["data"]["text"] != "again"


def test_of_two_transactions_that_announce_at_once_one_does(database: Database) -> None:
    outbox = make_outbox(**EVERYTHING)
    counts: list[int] = []
    started = threading.Event()

    def second() -> None:
        started.set()
        counts.append(announce(database, outbox, make_notice("b"), make_notice("a")))

    with database.begin() as connection:
        counts.append(outbox.enqueue(connection, [make_notice("a"), make_notice("b")]))
        thread = threading.Thread(target=second)
        thread.start()
        started.wait()
    thread.join(30)
    assert counts == [8, 0]
    assert queued(database, outbox) == 8


def test_a_channel_that_is_set_later_hears_of_a_key_that_others_have_heard_of(database: Database) -> None:
    announce(database, make_outbox(webhook_url="https://receiver.example", webhook_secret=SECRET), make_notice())
    assert announce(database, make_outbox(**EVERYTHING), make_notice()) == 3


@pytest.mark.parametrize(
    ("values", "setting"),
    [
        ({"shipstation_api_key": "key"}, "SHIPSTATION_API_SECRET"),
        ({"shipstation_api_secret": "secret"}, "SHIPSTATION_API_KEY"),
        (
            {"shipstation_api_key": "k", "shipstation_api_secret": "s", "shipstation_url": "shop"},
            "ORCHESTRATION_SHIPSTATION_URL",
        ),
        ({"webhook_url": "https://receiver.example"}, "ORCHESTRATION_WEBHOOK_SECRET"),
        ({"webhook_url": "https://receiver.example", "webhook_secret": "whsec_"}, "ORCHESTRATION_WEBHOOK_SECRET"),
        ({"webhook_url": "https://receiver.example", "webhook_secret": "whsec_c2hvcnQ="}, "24 bytes"),
        ({"webhook_url": "https://receiver.example", "webhook_secret": "no base64!"}, "ORCHESTRATION_WEBHOOK_SECRET"),
        ({"webhook_url": f"receiver.example/{SECRET}", "webhook_secret": SECRET}, "ORCHESTRATION_WEBHOOK_URL"),
        ({"webhook_url": "file:///etc/passwd", "webhook_secret": SECRET}, "ORCHESTRATION_WEBHOOK_URL"),
        ({"mail_to": ("a@example.org",), "smtp_url": "http://host"}, "ORCHESTRATION_SMTP_URL"),
        ({"mail_to": ("a@example.org",), "smtp_url": "smtp://host:port"}, "ORCHESTRATION_SMTP_URL"),
    ],
)
def test_a_channel_that_is_set_wrongly_is_one_clear_line(values: dict[str, Any], setting: str) -> None:
    with pytest.raises(ConfigurationError, match=setting) as raised:
        make_outbox(**values)
    assert "\n" not in str(raised.value)
    assert SECRET not in str(raised.value)


def test_the_default_attempts_go_on_for_more_than_a_day() -> None:
    outbox = Outbox(Settings())
    assert 24 * 3600 < sum(outbox.queue.policy.retry.waits()) < 48 * 3600
