"""One HTTP exchange with the server of a channel: time limits, and what a silent or unreachable server means.

A server that does not answer costs each message its whole time limit. After a few in a row it is left alone for a
while: messages to it fail at once then, and are retried like any other. Keep out: what is sent, and what a status
means; a channel knows that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from orchestration.errors import ConfigurationError, TransientError
from orchestration.media.breaker import BreakerPolicy, EndpointBreaker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import ClientResponse

TOTAL_SECONDS = 30.0
CONNECT_SECONDS = 10.0


class Answer(NamedTuple):
    """What a server answered; redirects are answers too. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is one of 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the class of statuses that means success


class Endpoint:
    """The server at a URL that the setting `setting` names; raises `ConfigurationError` for what is no URL."""

    def __init__(self, url: str, setting: str, *, total_seconds: float = TOTAL_SECONDS) -> None:
        wrong = ConfigurationError(f"{setting} must be http(s)://host/...")  # without the URL, which may hold a secret
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise wrong from error
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise wrong
        self.url = url
        # For messages: the rest of a URL may be secret.
        self.name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._total_seconds = total_seconds
        self._breaker = EndpointBreaker(self.name, BreakerPolicy())

    async def exchange(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None, read_bytes: int = 0
    ) -> Answer:
        """Send one request, and read up to `read_bytes` of the answer's body.

        Raises `TransientError` when none comes within the limits.
        """
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=self._total_seconds, connect=min(CONNECT_SECONDS, self._total_seconds))
        with self._breaker:
            try:
                async with (
                    aiohttp.ClientSession(timeout=timeout) as session,
                    session.request(method, url, headers=headers, data=body, allow_redirects=False) as response,
                ):
                    answered = {name.lower(): value for name, value in response.headers.items()}
                    return Answer(response.status, answered, await _read(response, read_bytes))
            except TimeoutError as error:
                raise TransientError(f"{self.name} did not answer within {self._total_seconds:g} s") from error
            except (aiohttp.ClientError, OSError) as error:
                raise TransientError(f"{self.name} did not answer: {error}") from error


async def _read(response: ClientResponse, limit: int) -> bytes:
    body = bytearray()
    while len(body) < limit and (chunk := await response.content.read(limit - len(body))):
        body += chunk
    return bytes(body)
