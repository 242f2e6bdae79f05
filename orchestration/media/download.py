"""Fetching documents and images from URLs that somebody else wrote.

One safe GET, with its limits, redirects, validators and error mapping. Keep out: which hosts are allowed
(`rules`), what a status means (`statuses`), when a host is left alone (`breaker`), what the bytes are (`identify`),
or trying again, which is the queue's.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import urljoin

from orchestration.errors import InvalidInputError, RefusedError, TransientError
from orchestration.media.bodies import read_file, read_response
from orchestration.media.breaker import BreakerPolicy, EndpointBreaker
from orchestration.media.local_files import open_beneath
from orchestration.media.rules import parse_web_url
from orchestration.media.statuses import error_for_status, http_date

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    import aiohttp
    from aiohttp.abc import AbstractResolver
    from yarl import URL

    from orchestration.media.rules import HostRules

MAX_REDIRECTS = 4

_REDIRECTS = frozenset({301, 302, 303, 307, 308})

_HEADERS = {"User-Agent": "orchestration", "Accept": "*/*", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """How long and how large a download may be.

    `total_seconds` is for the whole download with its redirects, without the wait for a place among the `per_host`
    downloads that one endpoint gets at a time; `connect_seconds` for one connection; `idle_seconds` for a silence of
    the server. `max_bytes` caps every body, whatever the caller asks for.
    """

    total_seconds: float = 60.0
    connect_seconds: float = 10.0
    idle_seconds: float = 15.0
    max_bytes: int = 64 * 2**20
    per_host: int = 8


@dataclass(frozen=True, slots=True)
class Download:
    """One fetched document: `url` is where it came from after redirects, `body` is empty when `not_modified`.

    `etag` and `last_modified` are the server's validators, to be handed back at the next fetch.
    """

    url: str
    body: bytes
    etag: str | None
    last_modified: str | None
    not_modified: bool = False


class _Request(NamedTuple):
    max_bytes: int
    etag: str | None
    last_modified: str | None

    def headers(self) -> dict[str, str] | None:
        if not self.is_conditional:
            return None
        validators = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in validators.items() if value}

    @property
    def is_conditional(self) -> bool:
        return bool(self.etag or self.last_modified)


class _Endpoint:
    """What the downloads from one scheme, host and port share."""

    __slots__ = ("breaker", "slots")

    def __init__(self, breaker: EndpointBreaker, per_host: int) -> None:
        self.breaker = breaker
        self.slots = asyncio.Semaphore(per_host)


class Downloader:
    """Fetches what the rules allow; an async context manager that owns one HTTP session.

    `resolver` stands in for the system's name look-up and `now` for the clock, in tests.
    """

    def __init__(
        self,
        rules: HostRules,
        *,
        limits: DownloadLimits | None = None,
        breaker: BreakerPolicy | None = None,
        resolver: AbstractResolver | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._rules = rules
        self._limits = limits or DownloadLimits()
        self._policy = breaker or BreakerPolicy()
        self._inner_resolver = resolver
        self._now = now
        self._endpoints: dict[tuple[str, str], _Endpoint] = {}

    async def __aenter__(self) -> Self:
        import aiohttp

        from orchestration.media.resolver import PinningResolver

        self._resolver = PinningResolver(self._rules, self._inner_resolver or aiohttp.DefaultResolver())
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=self._resolver, limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._limits.connect_seconds),
            headers=_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._session.close()
        await self._resolver.close()

    async def get(
        self, url: str, *, max_bytes: int, etag: str | None = None, last_modified: str | None = None
    ) -> Download:
        """Fetch one document of at most `max_bytes`, or learn that it is unchanged since the validators given.

        Raises RefusedError for what the rules forbid, TooLargeError, NotFoundError and UnexpectedStatusError for
        other refusals of the server, InvalidInputError for URLs and answers that break their format, and
        TransientError, with `retry_after` where the server or the breaker names a time, for all that may pass.
        """
        request = _Request(min(max_bytes, self._limits.max_bytes), etag, self._past(last_modified))
        if url[:5].lower() == "file:":
            return await self._read_file(url, request)
        target, seconds = parse_web_url(url), self._limits.total_seconds
        for _ in range(MAX_REDIRECTS + 1):
            endpoint = self._endpoint(target)
            async with endpoint.slots:
                started = time.monotonic()
                with endpoint.breaker.asking_for(str(target)):
                    answer = await self._exchange(target, request, seconds)
            if isinstance(answer, Download):
                return answer
            target, seconds = answer, seconds - (time.monotonic() - started)
        raise RefusedError(f"{url} redirects more than {MAX_REDIRECTS} times")

    def _endpoint(self, target: URL) -> _Endpoint:
        # The authority holds user, host and port as written: one that passed the rules passes them again.
        key = (target.scheme, target.raw_authority)
        if (known := self._endpoints.get(key)) is None:
            self._rules.check(target)
            breaker = EndpointBreaker(str(target.origin()), self._policy)
            known = self._endpoints[key] = _Endpoint(breaker, self._limits.per_host)
        return known

    async def _exchange(self, target: URL, request: _Request, seconds: float) -> Download | URL:
        """Ask once: the document, or the address that the server redirects to."""
        import aiohttp

        # One timer serves both limits, the whole and the silence: aiohttp's own two cost a tenth of a small request.
        clock, idle = asyncio.get_running_loop().time, self._limits.idle_seconds
        deadline = clock() + seconds

        def heard() -> None:
            patience.reschedule(min(deadline, clock() + idle))

        try:
            async with (
                asyncio.timeout_at(min(deadline, clock() + self._limits.connect_seconds + idle)) as patience,
                self._session.get(target, headers=request.headers(), allow_redirects=False) as response,
            ):
                return await self._answer(target, request, response, heard)
        except TimeoutError as error:
            raise TransientError(f"{target} did not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise TransientError(f"{target} could not be fetched: {reason}") from error

    async def _answer(
        self, target: URL, request: _Request, response: aiohttp.ClientResponse, heard: Callable[[], None]
    ) -> Download | URL:
        status, headers = response.status, response.headers
        if status == HTTPStatus.OK:
            body = await read_response(response, request.max_bytes, heard)
            modified = self._past(headers.get("Last-Modified"))
            return Download(str(target), body, _usable(headers.get("ETag")), modified)
        if status in _REDIRECTS:
            return _next_target(target, headers.get("Location"))
        if status == HTTPStatus.NOT_MODIFIED and request.is_conditional:
            return Download(str(target), b"", request.etag, request.last_modified, not_modified=True)
        raise error_for_status(str(target), status, headers.get("Retry-After"), now=self._now())

    def _past(self, last_modified: str | None) -> str | None:
        """The date, unless it is still to come: a server that is asked by it says 'not modified' until then."""
        if _usable(last_modified) is None:
            return None
        moment = http_date(str(last_modified))
        return last_modified if moment is not None and moment <= self._now() else None

    async def _read_file(self, url: str, request: _Request) -> Download:
        if self._rules.root is None:
            raise RefusedError(f"{url}: files are read only for a feed that is itself a file:// folder")
        file = open_beneath(self._rules.root, url)
        with file.stream:
            if file.etag == request.etag:
                return Download(url, b"", file.etag, None, not_modified=True)
            body = await read_file(file, url, request.max_bytes)
        return Download(url, body, file.etag, None)


def _usable(validator: str | None) -> str | None:
    # Other bytes arrive as broken text, which neither a database nor a header takes.
    return validator if validator and validator.isascii() else None


def _next_target(target: URL, location: str | None) -> URL:
    if not location:
        raise InvalidInputError(f"{target} redirects without saying where to")
    try:
        found = parse_web_url(urljoin(str(target), location))
    except ValueError as error:
        raise InvalidInputError(f"{target} redirects to what is no URL: {error}") from error
    if (target.scheme, found.scheme) == ("https", "http"):
        raise RefusedError(f"{target} redirects from https to http, where anybody on the way can change what comes")
    return found
