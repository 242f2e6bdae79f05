"""Servers and names that mean harm: each ends at a limit or is refused, and nothing private is asked."""

from __future__ import annotations

import asyncio
import gzip
import time
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from yarl import URL

from orchestration.errors import InvalidInputError, RefusedError, TooLargeError, TransientError
from orchestration.media.download import Downloader, DownloadLimits, _next_target
from orchestration.media.identify import identify
from orchestration.media.image_problems import ImageProblem, InvalidImageError
from orchestration.media.resolver import PinningResolver
from orchestration.media.rules import HostRules
from orchestration_tests.media.servers import FakeResolver, serving, serving_bytes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

MEGABYTE = 2**20
LIMITS = DownloadLimits(total_seconds=0.6, connect_seconds=0.3, idle_seconds=0.2)


async def fetch(base: str, path: str = "/", max_bytes: int = MEGABYTE) -> bytes:
    async with Downloader(HostRules.for_feed(base), limits=LIMITS) as loader:
        return (await loader.get(base + path, max_bytes=max_bytes)).body


def port_of(base: str) -> int:
    return int(base.rsplit(":", 1)[1])


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://127.0.0.1:1/",
        "http://127.0.0.1:6379/",
        "http://localhost/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://evil.example/",
        "//evil.example/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "javascript:alert(1)",
    ],
)
async def test_a_redirect_leads_only_where_the_rules_allow(target: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": target})

    async with serving(answer) as base:
        with pytest.raises(RefusedError):
            await fetch(base)


async def test_a_redirect_to_another_port_of_the_feeds_host_never_arrives() -> None:
    visits: list[str] = []

    async def private(request: web.Request) -> web.Response:
        visits.append(request.path)
        return web.Response()

    async with serving(private) as inner:

        async def answer(_: web.Request) -> web.Response:
            raise web.HTTPFound(inner + "/secret")

        async with serving(answer) as base:
            with pytest.raises(RefusedError, match="ORCHESTRATION_IMAGE_HOSTS"):
                await fetch(base)
    assert visits == []


@pytest.mark.parametrize("location", ["", "http://[", "http://a:99999/", "/\udcff"])
async def test_a_redirect_to_what_is_no_url_is_invalid(location: str) -> None:
    head = f"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: {location}\r\n\r\n"
    async with serving_bytes(head.encode("utf-8", "surrogateescape")) as base:
        with pytest.raises(InvalidInputError):
            await fetch(base)


def test_a_redirect_never_leaves_encryption_behind() -> None:
    secure = URL("https://feed.example/a")
    with pytest.raises(RefusedError, match="redirects from https to http"):
        _next_target(secure, "http://feed.example/a")
    assert _next_target(secure, "/b") == URL("https://feed.example/b")
    assert _next_target(URL("http://feed.example/a"), "https://feed.example/a") == secure


async def test_a_loop_of_redirects_ends_after_four() -> None:
    visits = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal visits
        visits += 1
        raise web.HTTPFound(request.path)

    async with serving(answer) as base:
        with pytest.raises(RefusedError, match="more than 4 times"):
            await fetch(base)
    assert visits == 5


async def test_redirects_share_one_time_limit() -> None:
    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(0.18)
        raise web.HTTPFound(request.path)

    async with serving(answer) as base:
        with pytest.raises(TransientError, match="in time"):
            await fetch(base)


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield b"\xff\xd8\xff" + bytes(2**16)


async def dripping() -> AsyncIterator[bytes]:
    while True:
        yield b"\xff"
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(("body", "error"), [(endless, TooLargeError), (dripping, TransientError)])
async def test_endless_and_slow_bodies_end_by_limit(
    body: Callable[[], AsyncIterator[bytes]], error: type[Exception]
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for chunk in body():
            await response.write(chunk)
        return response

    async with serving(answer) as base:
        started = time.monotonic()
        with pytest.raises(error):
            await fetch(base)
        assert time.monotonic() - started < 3


@pytest.mark.parametrize("first", ["nothing", "headers", "half"])
async def test_a_server_that_falls_silent_is_left_long_before_the_whole_time(first: str) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if first != "nothing":
            await response.prepare(request)
        if first == "half":
            await response.write(b"half")
        await asyncio.sleep(30)
        return response

    limits = DownloadLimits(total_seconds=30, connect_seconds=0.2, idle_seconds=0.2)
    async with serving(answer) as base, Downloader(HostRules.for_feed(base), limits=limits) as loader:
        started = time.monotonic()
        with pytest.raises(TransientError, match="in time"):
            await loader.get(base, max_bytes=MEGABYTE)
        assert time.monotonic() - started < 3


async def test_a_slow_server_that_keeps_talking_is_heard_out() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(6):
            await response.write(b"x")
            await asyncio.sleep(0.1)
        return response

    limits = DownloadLimits(total_seconds=30, connect_seconds=0.1, idle_seconds=0.3)
    async with serving(answer) as base, Downloader(HostRules.for_feed(base), limits=limits) as loader:
        assert (await loader.get(base, max_bytes=MEGABYTE)).body == b"xxxxxx"


async def test_a_declared_length_beyond_the_limit_is_not_even_read() -> None:
    async with serving_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n") as base:
        with pytest.raises(TooLargeError):
            await fetch(base)


async def test_an_answer_with_two_lengths_is_not_believed() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with serving_bytes(head + b"5\r\nshort\r\n") as base:
        with pytest.raises(TransientError, match="could not be fetched"):
            await fetch(base)


async def test_a_gzip_bomb_ends_at_the_limit_without_being_unpacked() -> None:
    bomb = gzip.compress(bytes(200 * MEGABYTE), 1)
    assert len(bomb) < MEGABYTE

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    async with serving(answer) as base:
        with pytest.raises(TooLargeError):
            await fetch(base)


async def test_a_page_that_calls_itself_a_picture_is_found_out_by_its_bytes() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="<html><body>Not found</body></html>", content_type="image/jpeg")

    async with serving(answer) as base:
        body = await fetch(base, "/a.jpg")
    with pytest.raises(InvalidImageError) as caught:
        identify(body, max_pixels=MEGABYTE)
    assert caught.value.code is ImageProblem.HTML


@pytest.mark.parametrize(
    "address", ["10.0.0.5", "127.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fe80::1%lo"]
)
async def test_an_allowed_name_may_not_lead_to_a_private_address(address: str) -> None:
    resolver = FakeResolver({"evil.supplier.test": [address]})
    rules = HostRules.for_feed("https://promi-dl.de", ["supplier.test"])
    async with Downloader(rules, limits=LIMITS, resolver=resolver) as loader:
        with pytest.raises(RefusedError, match=r"evil\.supplier\.test.*ORCHESTRATION_IMAGE_HOSTS"):
            await loader.get("http://evil.supplier.test/a.jpg", max_bytes=MEGABYTE)
        many = (loader.get(f"http://evil.supplier.test/{n}", max_bytes=MEGABYTE) for n in range(5))
        assert {type(error) for error in await asyncio.gather(*many, return_exceptions=True)} == {RefusedError}


async def test_of_a_names_addresses_only_the_public_ones_are_tried() -> None:
    resolver = FakeResolver({"cdn.supplier.test": ["10.0.0.5", "8.8.8.8", "::1"]})
    pinning = PinningResolver(HostRules.for_feed("https://promi-dl.de", ["supplier.test"]), resolver)
    assert [found["host"] for found in await pinning.resolve("cdn.supplier.test", 443)] == ["8.8.8.8"]


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=request.host)

    async with serving(answer) as base:
        port = port_of(base)
        resolver = FakeResolver({"cdn.supplier.test": ["127.0.0.1"]})
        rules = HostRules.for_feed("https://promi-dl.de", [f"cdn.supplier.test:{port}"])
        async with Downloader(rules, resolver=resolver) as loader:
            document = await loader.get(f"http://cdn.supplier.test:{port}/", max_bytes=MEGABYTE)
    assert document.body.decode() == f"cdn.supplier.test:{port}"
    assert resolver.asked == ["cdn.supplier.test"]
    assert resolver.closed


async def test_a_name_that_is_not_known_is_transient() -> None:
    rules = HostRules.for_feed("https://promi-dl.de", ["supplier.test"])
    async with Downloader(rules, resolver=FakeResolver({})) as loader:
        with pytest.raises(TransientError, match=r"gone\.supplier\.test"):
            await loader.get("http://gone.supplier.test/a.jpg", max_bytes=MEGABYTE)


async def test_a_name_with_an_impossible_label_is_invalid() -> None:
    rules = HostRules.for_feed("https://promi-dl.de", ["supplier.test"])
    async with Downloader(rules) as loader:
        with pytest.raises(InvalidInputError, match="no host name"):
            await loader.get(f"http://{'a' * 70}.supplier.test/a.jpg", max_bytes=MEGABYTE)


async def test_an_approved_endpoint_does_not_vouch_for_a_user_in_the_url() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response()

    async with serving(answer) as base, Downloader(HostRules.for_feed(base)) as loader:
        await loader.get(base, max_bytes=MEGABYTE)
        with pytest.raises(RefusedError, match="password"):
            await loader.get(base.replace("http://", "http://user:word@"), max_bytes=MEGABYTE)


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b"direct")

    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with serving(answer) as base:
        assert await fetch(base) == b"direct"
