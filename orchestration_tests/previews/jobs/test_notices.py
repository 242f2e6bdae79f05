"""A callback is told of the end of its job: signed, numbered, and once its artifact answers."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr
from standardwebhooks import Webhook

from orchestration.notifications.callback import CallbackChannel
from orchestration.notifications.delivery import Delivery, deliver
from orchestration.notifications.outbox import Outbox
from orchestration.previews.drains import render_previews
from orchestration.previews.previews import Previews
from orchestration.services import Services
from orchestration.work_queue.options import DrainOptions
from orchestration_tests.notifications.receivers import Receiver
from orchestration_tests.previews.payloads import small

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from orchestration.settings import Settings

KEY = base64.b64encode(b"k" * 32).decode()
UNTIL_EMPTY = DrainOptions(idle_seconds=None)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A server for callbacks."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.answer)
    async with TestServer(app) as server:
        receiver.url = str(server.make_url("/hook"))
        yield receiver


def with_callbacks(settings: Settings, receiver: Receiver) -> Services:
    host = receiver.url.removeprefix("http://").partition("/")[0]
    return Services(
        settings.model_copy(update={"callback_hosts": (host,), "webhook_secret": SecretStr(f"whsec_{KEY}")})
    )


async def test_a_finished_job_calls_back_with_a_signature_and_a_number(
    preview_settings: Settings, receiver: Receiver
) -> None:
    services = with_callbacks(preview_settings, receiver)
    previews = Previews(services)
    await asyncio.to_thread(previews.submit, small("one", callbackUrl=receiver.url, options={"format": "png"}))
    await asyncio.to_thread(previews.submit, small("quiet", options={"format": "png"}))
    await render_previews(previews, lambda _: None, UNTIL_EMPTY)
    delivered: list[Delivery] = []
    await deliver(services.database, previews.outbox, delivered.extend, UNTIL_EMPTY)
    [request] = receiver.requests
    Webhook(KEY).verify(request.body, request.headers)
    assert request.json["type"] == "preview.completed"
    details = request.json["data"]["details"]
    assert (details["jobId"], details["status"], details["number"]) == ("one", "success", 1)
    assert [file["kind"] for file in details["files"]] == ["poster", "proof", "record", "container"]
    assert [one.problem for one in delivered] == [None]
    services.close()


async def test_a_cancelled_and_an_invalid_job_call_back_too(preview_settings: Settings, receiver: Receiver) -> None:
    services = with_callbacks(preview_settings, receiver)
    previews = Previews(services)
    bad = [{"id": "a", "type": "image", "url": "http://10.0.0.1/a.png"}]
    await asyncio.to_thread(previews.submit, small("bad", callbackUrl=receiver.url, assets=bad))
    await asyncio.to_thread(previews.submit, small("gone", callbackUrl=receiver.url))
    await asyncio.to_thread(previews.cancel, "gone")
    await render_previews(previews, lambda _: None, UNTIL_EMPTY)
    await deliver(services.database, previews.outbox, lambda _: None, UNTIL_EMPTY)
    told = {request.json["data"]["details"]["jobId"]: request.json["type"] for request in receiver.requests}
    assert told == {"bad": "preview.failed", "gone": "preview.cancelled"}
    services.close()


async def test_a_callback_is_not_sent_where_the_setting_no_longer_allows(
    preview_settings: Settings, receiver: Receiver
) -> None:
    services = with_callbacks(preview_settings, receiver)
    previews = Previews(services)
    await asyncio.to_thread(
        previews.submit, small("one", callbackUrl=receiver.url, options={"format": "png"}, steps=[])
    )
    await render_previews(previews, lambda _: None, UNTIL_EMPTY)
    elsewhere = Outbox(services.settings.model_copy(update={"callback_hosts": ("hooks.example.com",)}))
    assert isinstance(elsewhere.channels[-1], CallbackChannel)
    delivered: list[Delivery] = []
    await deliver(services.database, elsewhere, delivered.extend, UNTIL_EMPTY)
    assert receiver.requests == []
    assert "ORCHESTRATION_CALLBACK_HOSTS" in (delivered[0].problem or "")
    services.close()
