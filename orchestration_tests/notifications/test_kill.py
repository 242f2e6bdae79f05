"""A delivery that is killed after it sent and before it could record that is repeated, recognisably."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

from orchestration_tests.notifications.killing import kill, start
from orchestration_tests.notifications.sending import SECRET, announce, drain, make_notice, make_outbox, states

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

    from orchestration.storage.database import Database
    from orchestration_tests.notifications.receivers import Receiver, Shop


async def killed_during(process: ForkServerProcess, reached: asyncio.Event) -> None:
    """Kill the process once the other side has heard it."""
    await asyncio.wait_for(reached.wait(), 60)
    kill(process)
    await asyncio.to_thread(process.join, 30)
    assert process.exitcode == -signal.SIGKILL


async def test_a_webhook_is_repeated_under_its_id(database: Database, receiver: Receiver) -> None:
    values: dict[str, Any] = {"webhook_url": receiver.url, "webhook_secret": SECRET}
    announce(database, make_outbox(**values), make_notice())
    reached = asyncio.Event()

    async def hold_back() -> None:
        receiver.before = None
        reached.set()
        await asyncio.sleep(30)

    receiver.before = hold_back
    await killed_during(start(database.url, values), reached)
    assert states(database) == {("print:1:ab", "webhook"): "waiting"}

    drained, reported = await drain(database, make_outbox(**values))
    assert drained.completed == 1
    assert [(one.is_final, one.problem is None) for one in reported] == [(False, False), (True, True)]
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert states(database) == {("print:1:ab", "webhook"): "delivered"}


async def test_a_shop_that_has_the_link_is_told_nothing_more(database: Database, shop: Shop) -> None:
    values: dict[str, Any] = {
        "shipstation_url": shop.url,
        "shipstation_api_key": "key",
        "shipstation_api_secret": "secret",
    }
    announce(database, make_outbox(**values), make_notice())
    reached = asyncio.Event()

    async def hold_back() -> None:
        shop.after = None
        reached.set()
        await asyncio.sleep(30)

    shop.after = hold_back
    await killed_during(start(database.url, values), reached)

    await drain(database, make_outbox(**values))
    assert (len(shop.posted), states(database)) == (1, {("print:1:ab", "shipstation"): "delivered"})
