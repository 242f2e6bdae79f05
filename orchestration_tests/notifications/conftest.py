"""Servers to tell things to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from orchestration_tests.notifications.receivers import Mailbox, Receiver, Shop, serving, taking_mail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A running HTTP server."""
    receiver = Receiver()
    async with serving(receiver):
        yield receiver


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    """A running shop, in which order 17 awaits shipment."""
    shop = Shop()
    shop.add(17)
    async with serving(shop):
        yield shop


@pytest.fixture
def mailbox(unused_tcp_port: int) -> Iterator[Mailbox]:
    """A running mail server."""
    with taking_mail(unused_tcp_port) as mailbox:
        yield mailbox
