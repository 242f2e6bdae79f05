"""Callbacks: a signed HTTP request to the URL that a notice names, in the form of the webhooks.

The URL was written by somebody outside, so only hosts of the setting are called, at public addresses unless the setting
says otherwise. Keep out: headers, body and signature (`webhook`), and retries, which are the queue's.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestration.errors import PermanentError, TransientError
from orchestration.media.rules import HostRules, parse_web_url
from orchestration.media.statuses import error_for_status
from orchestration.notifications.endpoint import CONNECT_SECONDS, TOTAL_SECONDS
from orchestration.notifications.webhook import message_body, signed_headers, signer

if TYPE_CHECKING:
    from collections.abc import Callable

    from standardwebhooks import Webhook

    from orchestration.notifications.channel import Message
    from orchestration.notifications.notice import Notice
    from orchestration.settings import Settings

HOSTS_SETTING = "ORCHESTRATION_CALLBACK_HOSTS"


def callback_channels(settings: Settings) -> tuple[CallbackChannel, ...]:
    """The channel, when a host is set; raises `ConfigurationError` for a wrong entry, or without a secret."""
    if not settings.callback_hosts:
        return ()
    secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else ""
    return (CallbackChannel(HostRules.for_hosts(settings.callback_hosts, HOSTS_SETTING), signer(secret)),)


class CallbackChannel:
    """Posts each notice to the URL that it names."""

    name = "callback"

    def __init__(
        self, rules: HostRules, signer: Webhook, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._rules = rules
        self._signer = signer
        self._clock = clock

    @property
    def address(self) -> str | None:
        """None: each notice has an address of its own."""
        return None

    def accepts(self, notice: Notice) -> bool:
        """Notices that name a URL."""
        return notice.callback_url is not None

    def order_key(self, notice: Notice) -> str | None:
        """The URL: notices to one receiver arrive in their order."""
        return f"{self.name}:{notice.callback_url}"

    async def send(self, message: Message) -> None:
        """Post the message; any 2xx is success, and no redirect is followed."""
        import aiohttp

        from orchestration.media.resolver import PinningResolver

        if (text := message.notice.callback_url) is None:
            raise PermanentError("The notice names no URL to call")
        url = parse_web_url(text)
        self._rules.check(url)
        name, now, body = str(url.origin()), self._clock(), message_body(message)
        timeout = aiohttp.ClientTimeout(total=TOTAL_SECONDS, connect=CONNECT_SECONDS)
        resolver = PinningResolver(self._rules, aiohttp.DefaultResolver())
        try:
            async with (
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=resolver), timeout=timeout) as session,
                session.post(
                    url, data=body, headers=signed_headers(self._signer, message, body, now), allow_redirects=False
                ) as response,
            ):
                status, wait = response.status, response.headers.get("retry-after")
        except TimeoutError as error:
            raise TransientError(f"{name} did not answer within {TOTAL_SECONDS:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise TransientError(f"{name} did not answer: {error}") from error
        if not 200 <= status < 300:  # noqa: PLR2004 - the class of statuses that means success
            raise error_for_status(name, status, wait, now=now)
