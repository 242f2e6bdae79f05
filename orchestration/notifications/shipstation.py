"""ShipStation: the order in the shop gets a link in one of its custom fields.

It holds two calls of API v1, and what their answers mean. An order is updated by posting all of it, so it is read
first (https://docs.shipstation.com/apis/shipstation-v1). Two updates of one order must not overlap; the queue keeps
them apart by the order key. Keep out: time limits (`endpoint`), and retries, which are the queue's.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from orchestration.errors import ConfigurationError, InvalidInputError, RefusedError, TransientError
from orchestration.media.statuses import error_for_status
from orchestration.notifications.endpoint import Answer, Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestration.errors import OrchestrationError
    from orchestration.notifications.channel import Message
    from orchestration.notifications.notice import Notice
    from orchestration.settings import Settings

# ShipStation keeps no more of a custom field.
LONGEST_FIELD = 100
LARGEST_ORDER_BYTES = 8 * 2**20
# Only these may be changed by the API.
OPEN_STATUSES = {"awaiting_payment", "awaiting_shipment", "on_hold"}
# The limit of calls is counted in such windows; an update takes two calls.
WINDOW_SECONDS = 60.0
CALLS = 40
CALLS_PER_UPDATE = 2


def shipstation_channels(settings: Settings) -> tuple[ShipStationChannel, ...]:
    """The channel, when key and secret are set; raises `ConfigurationError` when only one of them is."""
    key, secret = (
        value.get_secret_value() if value else ""
        for value in (settings.shipstation_api_key, settings.shipstation_api_secret)
    )
    if not key and not secret:
        return ()
    if not key or not secret:
        raise ConfigurationError("SHIPSTATION_API_KEY and SHIPSTATION_API_SECRET belong together: set both or neither")
    endpoint = Endpoint(settings.shipstation_url, "ORCHESTRATION_SHIPSTATION_URL")
    return (ShipStationChannel(endpoint, f"{key}:{secret}", settings.shipstation_custom_field),)


class ShipStationChannel:
    """Writes a notice's link into its order. `credentials` are `key:secret`, `field` is 1, 2 or 3."""

    name = "shipstation"

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: str,
        field: int,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._endpoint = endpoint
        self._headers = {
            "authorization": f"Basic {base64.b64encode(credentials.encode()).decode()}",
            "content-type": "application/json",
        }
        self._field = f"customField{field}"
        self._clock = clock
        self._queue_for_calls = _Waiting()

    @property
    def address(self) -> str | None:
        """None: no answer ends it."""
        return None

    def accepts(self, notice: Notice) -> bool:
        """Notices of an order, with something to write into it."""
        return bool(notice.shop_order_id and notice.link)

    def order_key(self, notice: Notice) -> str | None:
        """The order: each update of it starts from what the one before it made."""
        return f"{self.name}:{notice.shop_order_id}"

    async def send(self, message: Message) -> None:
        """Write the link, or a short one that leads to it where it is too long; nothing when it is there already."""
        link = message.notice.link or ""
        value = link if len(link) <= LONGEST_FIELD else message.short_link
        order = await self._read(str(message.notice.shop_order_id))
        options = order.get("advancedOptions") or {}
        if options.get(self._field) == value:
            return
        if order.get("orderStatus") not in OPEN_STATUSES:
            raise RefusedError(f"ShipStation's order {order['orderId']} is {order.get('orderStatus')}: it is closed")
        await self._write({**order, "advancedOptions": {**options, self._field: value}})

    async def _read(self, order_id: str) -> dict[str, Any]:
        if not (order_id.isascii() and order_id.isdigit()):
            raise InvalidInputError(f"{order_id!r} is no order id of ShipStation's, which are numbers")
        answer = await self._call("GET", f"orders/{order_id}")
        try:
            order: Any = msgspec.json.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise TransientError(f"{self._endpoint.name} sent no JSON for order {order_id}") from error
        # Without its key the order would not be updated, but made a second time.
        if not isinstance(order, dict) or str(order.get("orderId")) != order_id or not order.get("orderKey"):
            raise TransientError(f"{self._endpoint.name} sent something else than order {order_id}")
        return order

    async def _write(self, order: dict[str, Any]) -> None:
        await self._call("POST", "orders/createorder", msgspec.json.encode(order))

    async def _call(self, method: str, path: str, body: bytes | None = None) -> Answer:
        url = f"{self._endpoint.url.rstrip('/')}/{path}"
        answer = await self._endpoint.exchange(
            method, url, headers=self._headers, body=body, read_bytes=LARGEST_ORDER_BYTES
        )
        if not answer.is_success:
            raise self._error(answer, f"{self._endpoint.name}/{path}")
        return answer

    def _error(self, answer: Answer, url: str) -> OrchestrationError:
        now = self._clock()
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = self._queue_for_calls.book(_reset_seconds(answer), now)
            return TransientError(f"{url} is called too often; again in {wait:.0f} s", retry_after=wait)
        return error_for_status(url, answer.status, answer.headers.get("retry-after"), now=now)


class _Waiting:
    """Who waits for the next windows of calls: each is sent to one that has room, or all would be refused again."""

    def __init__(self) -> None:
        self._booked = 0
        self._until = 0.0

    def book(self, reset_seconds: float, now: datetime) -> float:
        """Seconds until the window that the caller may use."""
        if now.timestamp() >= self._until:
            self._booked = 0
        window = self._booked * CALLS_PER_UPDATE // CALLS
        self._booked += 1
        wait = reset_seconds + window * WINDOW_SECONDS
        self._until = max(self._until, now.timestamp() + wait)
        return wait


def _reset_seconds(answer: Answer) -> float:
    text = answer.headers.get("x-rate-limit-reset", "").strip()
    return min(float(text), WINDOW_SECONDS) if text.isascii() and text.isdigit() else WINDOW_SECONDS
