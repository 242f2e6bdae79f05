"""Fetching over HTTP and from files: what comes back, and how each trouble is told."""

from __future__ import annotations

import asyncio
import gzip
import os
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from yarl import URL

from orchestration.errors import InvalidInputError, RefusedError, TooLargeError, TransientError
from orchestration.media.bodies import read_file
from orchestration.media.breaker import BreakerPolicy
from orchestration.media.download import Downloader, DownloadLimits, _next_target
from orchestration.media.local_files import open_beneath
from orchestration.media.rules import HostRules
from orchestration.media.statuses import NotFoundError, UnexpectedStatusError
from orchestration_tests.media.servers import FakeResolver, serving, serving_bytes

if TYPE_CHECKING:
    from pathlib import Path

KILOBYTE = 1024
QUICK = DownloadLimits(total_seconds=5, connect_seconds=2, idle_seconds=2)


def downloader(base: str, limits: DownloadLimits = QUICK, breaker: BreakerPolicy | None = None) -> Downloader:
    return Downloader(HostRules.for_feed(base), limits=limits, breaker=breaker)


async def fetch(base: str, path: str = "/a", max_bytes: int = KILOBYTE, limits: DownloadLimits = QUICK) -> bytes:
    async with downloader(base, limits) as loader:
        return (await loader.get(base + path, max_bytes=max_bytes)).body


async def test_a_document_comes_back_with_its_validators() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b"family", headers={"ETag": '"1"', "Last-Modified": "Sun, 01 Mar 2026 12:00:00 GMT"})

    async with serving(answer) as base, downloader(base) as loader:
        document = await loader.get(base + "/a.json", max_bytes=KILOBYTE)
    assert document.body == b"family"
    assert document.url == base + "/a.json"
    assert document.etag == '"1"'
    assert document.last_modified == "Sun, 01 Mar 2026 12:00:00 GMT"
    assert not document.not_modified


YESTERDAY = "Sat, 28 Feb 2026 12:00:00 GMT"


async def test_an_unchanged_document_costs_no_body_and_keeps_its_validators() -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.headers["If-Modified-Since"] == YESTERDAY
        return web.Response(status=304 if request.headers["If-None-Match"] == '"1"' else 200)

    async with serving(answer) as base, downloader(base) as loader:
        document = await loader.get(base + "/a", max_bytes=KILOBYTE, etag='"1"', last_modified=YESTERDAY)
    assert document.not_modified
    assert (document.body, document.etag, document.last_modified) == (b"", '"1"', YESTERDAY)


async def test_a_validator_of_broken_text_is_not_kept() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nLast-Modified: M\xc3\xa4rz\r\n"
    async with serving_bytes(head + b'ETag: "\xff"\r\n\r\n') as base, downloader(base) as loader:
        document = await loader.get(base, max_bytes=KILOBYTE)
    assert (document.etag, document.last_modified) == (None, None)


async def test_a_date_in_the_future_is_neither_kept_nor_handed_back() -> None:
    future = "Tue, 19 Jan 2038 03:14:07 GMT"

    async def answer(request: web.Request) -> web.Response:
        assert "If-Modified-Since" not in request.headers
        return web.Response(body=b"new", headers={"Last-Modified": future})

    async with serving(answer) as base, downloader(base) as loader:
        document = await loader.get(base, max_bytes=KILOBYTE, last_modified=future)
    assert (document.body, document.last_modified) == (b"new", None)


async def test_not_modified_without_having_asked_is_an_unexpected_status() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=304)

    async with serving(answer) as base:
        with pytest.raises(UnexpectedStatusError, match="304"):
            await fetch(base)


async def test_the_path_reaches_the_server_byte_for_byte() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=request.raw_path)

    async with serving(answer) as base:
        path = "/A23/A23-%2B%41%26~.json?x=%2F+y"
        assert (await fetch(base, path)).decode() == path


async def test_nothing_of_ours_but_a_plain_request_is_sent() -> None:
    async def answer(request: web.Request) -> web.Response:
        response = web.Response(text=",".join(sorted(name.lower() for name in request.headers)))
        response.set_cookie("session", "tracked")
        return response

    async with serving(answer) as base:
        named = base.replace("127.0.0.1", "feed.test")  # cookies are never kept for an address
        async with Downloader(HostRules.for_feed(named), resolver=FakeResolver({"feed.test": ["127.0.0.1"]})) as loader:
            for _ in range(2):
                document = await loader.get(named + "/a", max_bytes=KILOBYTE)
                assert document.body == b"accept,accept-encoding,host,user-agent"


@pytest.mark.parametrize(
    ("status", "error"), [(404, NotFoundError), (410, NotFoundError), (403, UnexpectedStatusError)]
)
async def test_a_refusal_of_the_server_is_permanent(status: int, error: type[UnexpectedStatusError]) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    async with serving(answer) as base:
        with pytest.raises(error) as caught:
            await fetch(base)
    assert caught.value.status == status


@pytest.mark.parametrize(("wait", "seconds"), [("12", 12), ("Sun, 01 Mar 2026 12:00:30 GMT", 30), ("99999999", 3600)])
async def test_a_busy_server_says_when_to_come_back(wait: str, seconds: float) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=503, headers={"Retry-After": wait})

    noon = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    async with serving(answer) as base, Downloader(HostRules.for_feed(base), now=lambda: noon) as loader:
        with pytest.raises(TransientError, match="503") as caught:
            await loader.get(base, max_bytes=KILOBYTE)
    assert caught.value.retry_after == seconds


async def test_a_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * int(request.path[1:]))

    async with serving(answer) as base:
        assert len(await fetch(base, "/1024", KILOBYTE)) == KILOBYTE
        with pytest.raises(TooLargeError, match="1024 bytes"):
            await fetch(base, "/1025", KILOBYTE)


async def test_the_downloaders_own_limit_holds_whatever_the_caller_asks_for() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 101)

    async with serving(answer) as base:
        with pytest.raises(TooLargeError, match="100 bytes"):
            await fetch(base, max_bytes=KILOBYTE, limits=DownloadLimits(max_bytes=100))


async def test_a_chunked_body_is_read_to_its_end() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for part in (b"one ", b"two ", b"three"):
            await response.write(part)
            await asyncio.sleep(0)
        return response

    async with serving(answer) as base:
        assert await fetch(base) == b"one two three"


async def test_a_body_that_was_stored_compressed_is_unpacked() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b"family " * 100), headers={"Content-Encoding": "gzip"})

    async with serving(answer) as base:
        assert await fetch(base) == b"family " * 100


@pytest.mark.parametrize("body", [b'{"plain": "JSON"}', b"\x89PNG\r\n\x1a\n", b"x"])
async def test_a_plain_body_that_the_server_calls_compressed_is_taken_as_it_is(body: bytes) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Encoding": "gzip"})

    async with serving(answer) as base:
        assert await fetch(base) == body


@pytest.mark.parametrize(
    ("body", "encoding", "error"),
    [
        (gzip.compress(b"x" * KILOBYTE)[:-4], "gzip", TransientError),
        (b"\x1f", "gzip", TransientError),
        (b"\x1f\x8bnot gzip at all", "gzip", InvalidInputError),
        (gzip.compress(b"one") + gzip.compress(b"two"), "gzip", InvalidInputError),
        (b"whatever", "br", InvalidInputError),
    ],
    ids=["cut off", "cut off at once", "not gzip", "two in one", "unknown"],
)
async def test_a_body_that_cannot_be_unpacked_is_an_error(body: bytes, encoding: str, error: type[Exception]) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Encoding": encoding})

    async with serving(answer) as base:
        with pytest.raises(error):
            await fetch(base)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nonly this",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"",
    ],
    ids=["short", "short chunk", "short header", "no HTTP", "nothing"],
)
async def test_a_broken_answer_is_transient(answer: bytes) -> None:
    async with serving_bytes(answer) as base:
        with pytest.raises(TransientError):
            await fetch(base)


async def test_a_refused_connection_is_transient() -> None:
    async with serving_bytes(b"") as base:
        gone = base
    with pytest.raises(TransientError, match="could not be fetched"):
        await fetch(gone)


async def test_redirects_are_followed_and_the_final_address_is_told() -> None:
    async def answer(request: web.Request) -> web.Response:
        step = int(request.path[1:])
        if step == 4:
            return web.Response(body=b"there")
        raise [web.HTTPMovedPermanently, web.HTTPFound, web.HTTPSeeOther, web.HTTPTemporaryRedirect][step](
            f"./{step + 1}"
        )

    async with serving(answer) as base, downloader(base) as loader:
        document = await loader.get(base + "/0", max_bytes=KILOBYTE)
    assert document.body == b"there"
    assert document.url == base + "/4"


async def test_one_endpoint_gets_no_more_than_its_share_at_a_time() -> None:
    busy, most = 0, 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.01)
        busy -= 1
        return web.Response()

    async with serving(answer) as base, downloader(base, DownloadLimits(per_host=3)) as loader:
        await asyncio.gather(*(loader.get(f"{base}/{n}", max_bytes=KILOBYTE) for n in range(20)))
    assert most == 3


async def test_waiting_for_a_place_does_not_use_up_the_time() -> None:
    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(0.1)
        return web.Response()

    limits = DownloadLimits(total_seconds=0.25, per_host=1)
    async with serving(answer) as base, downloader(base, limits) as loader:
        await asyncio.gather(*(loader.get(f"{base}/{n}", max_bytes=KILOBYTE) for n in range(5)))


async def test_a_host_that_keeps_failing_is_left_alone_and_tried_again_later() -> None:
    asked: list[str] = []
    healthy = False

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=200 if healthy else 500)

    async with serving(answer) as base, downloader(base, breaker=BreakerPolicy(3, 0.2)) as loader:
        for n in range(3):
            with pytest.raises(TransientError, match="500"):
                await loader.get(f"{base}/fails{n}", max_bytes=KILOBYTE)
        with pytest.raises(TransientError, match=r"left alone .* the last error: .*/fails2 answered with") as caught:
            await loader.get(base + "/not-sent", max_bytes=KILOBYTE)
        assert 0 < (caught.value.retry_after or 0) <= 0.2
        assert "/not-sent" not in asked
        healthy = True
        await asyncio.sleep(0.25)
        assert not (await loader.get(base + "/again", max_bytes=KILOBYTE)).not_modified


async def test_a_few_broken_documents_do_not_keep_each_other_from_their_last_attempt() -> None:
    attempts: Counter[str] = Counter()

    async def answer(request: web.Request) -> web.Response:
        attempts[request.path] += 1
        return web.Response(status=200 if request.path == "/busy" and attempts["/busy"] == 3 else 429)

    async with serving(answer) as base, downloader(base, breaker=BreakerPolicy(3, 30)) as loader:
        for _ in range(2):
            for path in ("/broken", "/busy"):
                with pytest.raises(TransientError, match="429"):
                    await loader.get(base + path, max_bytes=KILOBYTE)
        await loader.get(base + "/busy", max_bytes=KILOBYTE)


async def test_missing_documents_do_not_stop_a_host() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=200 if request.path == "/there" else 404)

    async with serving(answer) as base, downloader(base, breaker=BreakerPolicy(2, 30)) as loader:
        for n in range(10):
            with pytest.raises(NotFoundError):
                await loader.get(f"{base}/{n}", max_bytes=KILOBYTE)
        await loader.get(base + "/there", max_bytes=KILOBYTE)


async def test_a_cancelled_download_gives_its_place_back() -> None:
    release = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/stuck":
            await release.wait()
        return web.Response(body=b"fine")

    async with serving(answer) as base, downloader(base, DownloadLimits(per_host=1)) as loader:
        stuck = asyncio.create_task(loader.get(base + "/stuck", max_bytes=KILOBYTE))
        await asyncio.sleep(0.05)
        stuck.cancel()
        assert (await loader.get(base + "/fine", max_bytes=KILOBYTE)).body == b"fine"
        release.set()


class TestFiles:
    """A `file://` feed."""

    async def test_a_file_is_read_and_not_again_while_unchanged(self, tmp_path: Path) -> None:
        path = tmp_path / "a b.json"
        path.write_bytes(b"family")
        async with downloader(tmp_path.as_uri()) as loader:
            first = await loader.get(path.as_uri(), max_bytes=KILOBYTE)
            second = await loader.get(path.as_uri(), max_bytes=KILOBYTE, etag=first.etag)
            os.utime(path, ns=(0, 0))
            third = await loader.get(path.as_uri(), max_bytes=KILOBYTE, etag=first.etag)
        assert (first.body, second.body, third.body) == (b"family", b"", b"family")
        assert (first.not_modified, second.not_modified, third.not_modified) == (False, True, False)

    @pytest.mark.parametrize("size", [2**20, 2**20 + 1, 3 * 2**20])
    async def test_a_big_file_is_read_whole(self, tmp_path: Path, size: int) -> None:
        path = tmp_path / "big"
        path.write_bytes(os.urandom(size))
        async with downloader(tmp_path.as_uri()) as loader:
            assert (await loader.get(path.as_uri(), max_bytes=size)).body == path.read_bytes()

    async def test_a_file_beyond_the_limit_is_not_read(self, tmp_path: Path) -> None:
        path = tmp_path / "big"
        path.write_bytes(b"x" * 1025)
        async with downloader(tmp_path.as_uri()) as loader:
            with pytest.raises(TooLargeError):
                await loader.get(path.as_uri(), max_bytes=KILOBYTE)

    async def test_a_file_that_grows_while_it_is_read_is_transient(self, tmp_path: Path) -> None:
        path = tmp_path / "growing"
        path.write_bytes(b"x" * 100)
        file = open_beneath(tmp_path, path.as_uri())
        path.write_bytes(b"x" * 200)
        with file.stream, pytest.raises(TransientError, match="changed while"):
            await read_file(file, path.as_uri(), KILOBYTE)

    async def test_a_file_is_refused_to_a_feed_on_the_web(self) -> None:
        async with downloader("https://promi-dl.de") as loader:
            with pytest.raises(RefusedError, match="file:// folder"):
                await loader.get("FILE:///etc/passwd", max_bytes=KILOBYTE)

    async def test_the_web_is_refused_to_a_feed_of_files(self, tmp_path: Path) -> None:
        async with downloader(tmp_path.as_uri()) as loader:
            with pytest.raises(RefusedError, match="not an allowed host"):
                await loader.get("https://promi-dl.de/a", max_bytes=KILOBYTE)


@pytest.mark.parametrize(("before", "after"), [("https", "http"), ("http", "https")])
def test_a_redirect_never_leads_from_https_to_http(before: str, after: str) -> None:
    target, location = URL(f"{before}://images.test/a"), f"{after}://images.test/a"
    if before == "http":
        assert str(_next_target(target, location)) == location
        return
    with pytest.raises(RefusedError, match="from https to http"):
        _next_target(target, location)
