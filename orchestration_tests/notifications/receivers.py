"""The other sides of the channels: an HTTP server and a mail server that write down what they are told.

Real servers that answer as they are asked to. Keep out: expectations.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiosmtpd.controller import Controller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from aiosmtpd.smtp import SMTP, Envelope, Session


class Request(NamedTuple):
    """One request, as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever was sent
        return json.loads(self.body)


Answer = tuple[int, dict[str, str]]


class Receiver:
    """Writes requests down; gives the next of `answers`, and 204 when there is none. `before` may hold an answer up."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.answers: list[Answer] = []
        self.before: Callable[[], Awaitable[None]] | None = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append(Request(request.method, request.path, headers, await request.read()))
        if self.before is not None:
            await self.before()
        status, answered = self.answers.pop(0) if self.answers else (204, {})
        return web.Response(status=status, headers=answered)


class Shop:
    """ShipStation's two calls over orders in memory.

    `limits` are answers that come before anything else; `between` is awaited before an order is given out, `after`
    before a write is confirmed.
    """

    def __init__(self) -> None:
        self.url = ""
        self.orders: dict[int, dict[str, Any]] = {}
        self.calls: list[tuple[str, str]] = []
        self.posted: list[dict[str, Any]] = []
        self.authorization: set[str] = set()
        self.limits: list[Answer] = []
        self.between: Callable[[], Awaitable[None]] | None = None
        self.after: Callable[[], Awaitable[None]] | None = None

    def add(self, order_id: int, **values: Any) -> None:  # noqa: ANN401 - an order's
        plain = {
            "orderId": order_id,
            "orderNumber": f"SHOP-{order_id}",
            "orderKey": f"key-{order_id}",
            "orderStatus": "awaiting_shipment",
            "items": [{"sku": "Y3D-NKC-002", "name": "Größe", "unitPrice": 9.95}],
            "advancedOptions": {"storeId": 5, "customField1": None, "customField2": "kept"},
        }
        self.orders[order_id] = plain | values

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.calls.append((request.method, request.path))
        self.authorization.add(request.headers.get("authorization", ""))
        if self.limits:
            status, headers = self.limits.pop(0)
            return web.Response(status=status, headers=headers)
        if request.method == "POST":
            order = await request.json()
            self.posted.append(order)
            self.orders[order["orderId"]] = order
            if self.after is not None:
                await self.after()
            return web.json_response(order)
        order = self.orders.get(int(request.match_info["path"].removeprefix("orders/")))
        if self.between is not None:
            await self.between()
        return web.json_response(order) if order else web.Response(status=404)


@asynccontextmanager
async def serving(receiver: Receiver | Shop) -> AsyncIterator[None]:
    """Answer every request with the receiver, whose `url` this sets."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", receiver.answer)
    async with TestServer(application) as server:
        receiver.url = str(server.make_url("/")).rstrip("/")
        yield


class Mailbox:
    """Keeps the mails that it takes. `refusals` are answers to the next recipients, None for a yes."""

    def __init__(self) -> None:
        self.url = ""
        self.mails: list[Envelope] = []
        self.refusals: list[str | None] = []

    async def handle_RCPT(  # noqa: N802 - the library's name
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],  # noqa: ARG002
    ) -> str:
        refusal = self.refusals.pop(0) if self.refusals else None
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        self.mails.append(envelope)
        return "250 taken"


@contextmanager
def taking_mail(port: int, **options: Any) -> Iterator[Mailbox]:  # noqa: ANN401 - the library's
    """A mail server at the port, in a thread."""
    mailbox = Mailbox()
    mailbox.url = f"smtp://127.0.0.1:{port}"
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
