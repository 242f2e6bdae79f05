"""Webhooks: a signed HTTP request for each notice, in the form of Standard Webhooks 1.0.

It holds headers, body and what the answer means (https://www.standardwebhooks.com): 2xx is success, 410 ends the
address, and any other answer, a redirect too, is a failure that is retried over a day. Keep out: time limits
(`endpoint`), and retries, which are the queue's.
"""

from __future__ import annotations

import binascii
import hashlib
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from orchestration.errors import ConfigurationError, TransientError
from orchestration.media.statuses import parse_retry_after
from orchestration.notifications.channel import AddressEndedError
from orchestration.notifications.endpoint import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from standardwebhooks import Webhook

    from orchestration.errors import OrchestrationError
    from orchestration.notifications.channel import Message
    from orchestration.notifications.endpoint import Answer
    from orchestration.notifications.notice import Notice
    from orchestration.settings import Settings

# What Standard Webhooks asks for: 24 to 64 bytes.
SHORTEST_SECRET = 24


def webhook_channels(settings: Settings) -> tuple[WebhookChannel, ...]:
    """The channel, when a URL is set; raises `ConfigurationError` when its secret is missing or is none."""
    if not settings.webhook_url:
        return ()
    secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else ""
    return (WebhookChannel(Endpoint(settings.webhook_url, "ORCHESTRATION_WEBHOOK_URL"), secret),)


class WebhookChannel:
    """Posts every notice to one URL."""

    name = "webhook"

    def __init__(
        self, endpoint: Endpoint, secret: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._endpoint = endpoint
        self._signer = signer(secret)
        self._clock = clock

    @property
    def address(self) -> str | None:
        """The URL by its digest, since a URL may hold a secret."""
        return f"{self.name} {hashlib.sha256(self._endpoint.url.encode()).hexdigest()[:16]}"

    def accepts(self, notice: Notice) -> bool:
        """Every notice but those that name a receiver of their own."""
        return notice.callback_url is None

    def order_key(self, notice: Notice) -> str | None:  # noqa: ARG002 - receivers sort by the timestamp if they need to
        """None: receivers may be called in any order."""
        return None

    async def send(self, message: Message) -> None:
        """Post the message; any 2xx is success, and no redirect is followed."""
        body, now = message_body(message), self._clock()
        headers = signed_headers(self._signer, message, body, now)
        answer = await self._endpoint.exchange("POST", self._endpoint.url, headers=headers, body=body)
        if not answer.is_success:
            raise _failure(self._endpoint.name, answer, now)


def _failure(name: str, answer: Answer, now: datetime) -> OrchestrationError:
    message = f"{name} answered with status {answer.status}"
    if answer.status == HTTPStatus.GONE:
        return AddressEndedError(f"{message}: it wants no more; set another ORCHESTRATION_WEBHOOK_URL")
    return TransientError(message, retry_after=parse_retry_after(answer.headers.get("retry-after"), now=now))


def signed_headers(signer: Webhook, message: Message, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of a message that is sent at `now`."""
    return {
        "content-type": "application/json",
        "webhook-id": message.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signer.sign(message.id, now, body.decode()),
    }


def signer(secret: str) -> Webhook:
    """What signs with the secret of the settings; raises `ConfigurationError` when it is missing or is none."""
    from standardwebhooks import Webhook

    encoded = secret.removeprefix("whsec_")
    try:
        key = binascii.a2b_base64(encoded + "=" * (-len(encoded) % 4), strict_mode=True)
    except ValueError as error:
        raise ConfigurationError("ORCHESTRATION_WEBHOOK_SECRET must be whsec_ and base64") from error
    if len(key) < SHORTEST_SECRET:
        raise ConfigurationError(
            f"Webhooks or callbacks are set, so ORCHESTRATION_WEBHOOK_SECRET must be whsec_ and the base64 of at "
            f"least {SHORTEST_SECRET} bytes"
        )
    return Webhook(key)


def message_body(message: Message) -> bytes:
    """The body of a message, as JSON."""
    notice = message.notice
    document = {
        "type": notice.event,
        "timestamp": message.created_at.astimezone(UTC),
        "data": {
            "key": notice.key,
            "subject": notice.subject,
            "text": notice.text,
            "shop_order_id": notice.shop_order_id,
            "link": notice.link,
            "details": notice.data,
        },
    }
    return msgspec.json.encode(document)
