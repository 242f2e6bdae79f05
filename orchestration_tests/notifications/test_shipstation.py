"""An order in the shop gets its link, and loses nothing else."""

from __future__ import annotations

import asyncio
import base64
import copy
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from orchestration.notifications.shipstation import _Waiting
from orchestration_tests.notifications.sending import LINK, announce, drain, make_notice, make_outbox, rows, states

if TYPE_CHECKING:
    from orchestration.notifications.outbox import Outbox
    from orchestration.storage.database import Database
    from orchestration_tests.notifications.receivers import Shop

KEY = ("print:1:ab", "shipstation")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def outbox_of(shop: Shop, **values: Any) -> Outbox:  # noqa: ANN401 - as the settings take them
    """The shop alone."""
    return make_outbox(
        **{
            "shipstation_url": shop.url,
            "shipstation_api_key": "key",
            "shipstation_api_secret": "secret",
            "notification_attempts": 3,
            **values,
        }
    )


async def test_the_link_is_written_and_the_rest_of_the_order_stays(database: Database, shop: Shop) -> None:
    expected = copy.deepcopy(shop.orders[17])
    expected["advancedOptions"]["customField1"] = LINK
    announce(database, outbox_of(shop), make_notice())
    await drain(database, outbox_of(shop))
    assert shop.posted == [expected]
    assert shop.calls == [("GET", "/orders/17"), ("POST", "/orders/createorder")]
    assert shop.authorization == {f"Basic {base64.b64encode(b'key:secret').decode()}"}


@pytest.mark.parametrize("options", [None, {}])
async def test_an_order_without_options_gets_some(database: Database, shop: Shop, options: Any) -> None:  # noqa: ANN401
    shop.add(17, advancedOptions=options)
    outbox = outbox_of(shop, shipstation_custom_field=3)
    announce(database, outbox, make_notice())
    await drain(database, outbox)
    assert shop.orders[17]["advancedOptions"] == {"customField3": LINK}


async def test_a_field_that_has_the_link_already_is_left_alone(database: Database, shop: Shop) -> None:
    shop.add(17, orderStatus="shipped", advancedOptions={"customField1": LINK})
    announce(database, outbox_of(shop), make_notice())
    await drain(database, outbox_of(shop))
    assert (shop.posted, states(database)[KEY]) == ([], "delivered")


async def test_a_link_that_the_field_cannot_hold_is_replaced_by_a_short_one(database: Database, shop: Shop) -> None:
    announce(database, outbox_of(shop), make_notice(link=f"{LINK}?signature={'0' * 64}"))
    await drain(database, outbox_of(shop))
    written = shop.orders[17]["advancedOptions"]["customField1"]
    assert written == f"https://shop.example/n/{rows(database)[KEY].token}"
    assert len(written) <= 100


async def test_updates_of_one_order_do_not_overlap_and_the_last_one_stays(database: Database, shop: Shop) -> None:
    shop.add(18)
    inside: list[int] = []

    async def look() -> None:
        inside.append(len(shop.calls) - 2 * len(shop.posted))
        await asyncio.sleep(0.05)

    shop.between = look
    outbox = outbox_of(shop)
    for number in range(4):
        announce(database, outbox, make_notice(f"print:{number}", link=f"https://shop.example/{number}"))
    announce(database, outbox, make_notice("other", shop_order_id="18"))
    await drain(database, outbox)
    assert shop.orders[17]["advancedOptions"]["customField1"] == "https://shop.example/3"
    of_17 = [order["advancedOptions"]["customField1"] for order in shop.posted if order["orderId"] == 17]
    assert of_17 == [f"https://shop.example/{number}" for number in range(4)]
    assert max(inside) <= 2, "one call for each order"


async def test_too_many_calls_are_made_when_the_shop_says_so(database: Database, shop: Shop) -> None:
    shop.limits = [(429, {"x-rate-limit-reset": "1"})]
    announce(database, outbox_of(shop), make_notice())
    drained, reported = await drain(database, outbox_of(shop))
    assert (drained.retried, drained.completed) == (1, 1)
    assert "again in 1 s" in str(reported[0].problem)
    assert shop.orders[17]["advancedOptions"]["customField1"] == LINK


def test_those_who_wait_are_spread_over_the_windows_to_come() -> None:
    waiting = _Waiting()
    waits = [waiting.book(10.0, NOW) for _ in range(50)]
    assert [waits.count(wait) for wait in (10.0, 70.0, 130.0)] == [20, 20, 10]
    assert waiting.book(10.0, NOW + timedelta(seconds=130)) == 10.0, "when all have had their turn, it begins anew"


async def test_a_server_error_is_tried_again(database: Database, shop: Shop) -> None:
    shop.limits = [(500, {}), (503, {})]
    announce(database, outbox_of(shop), make_notice())
    drained, _ = await drain(database, outbox_of(shop))
    assert (drained.retried, drained.completed, len(shop.posted)) == (2, 1, 1)


@pytest.mark.parametrize(
    ("order", "order_id", "problem"),
    [
        ({"orderStatus": "shipped"}, "17", "is shipped: it is closed"),
        ({"orderStatus": "cancelled"}, "17", "is cancelled: it is closed"),
        ({}, "99", "status 404"),
        ({}, "17/../18", "no order id"),
        ({}, "٣", "no order id"),
    ],
)
async def test_what_cannot_be_written_is_given_up_at_once(
    database: Database, shop: Shop, order: dict[str, Any], order_id: str, problem: str
) -> None:
    shop.add(17, **order)
    announce(database, outbox_of(shop), make_notice(shop_order_id=order_id))
    _, (delivery,) = await drain(database, outbox_of(shop))
    assert (delivery.is_final, delivery.attempt, shop.posted) == (True, 1, [])
    assert problem in str(delivery.problem)


@pytest.mark.parametrize("order", [{"orderId": 18}, {"orderKey": None}, {"orderKey": ""}])
async def test_an_answer_that_is_not_the_order_changes_nothing(
    database: Database, shop: Shop, order: dict[str, Any]
) -> None:
    shop.add(17, **order)
    announce(database, outbox_of(shop), make_notice())
    drained, _ = await drain(database, outbox_of(shop))
    assert (drained.retried, drained.dead, shop.posted) == (2, 1, [])
