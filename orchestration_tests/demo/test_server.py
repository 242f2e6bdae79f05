"""The server gives every file of the feed as it is, knows conditional requests, and ends cleanly."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
import pytest
import yarl

from orchestration.demo.server import serve
from orchestration.errors import ConfigurationError
from orchestration_tests.demo.conftest import WrittenDay

if TYPE_CHECKING:
    from pathlib import Path

Days = dict[int, WrittenDay]


@pytest.fixture
def last(days: Days) -> WrittenDay:
    """The day that is being served."""
    return days[3]


def listed_urls(day: WrittenDay) -> list[str]:
    lines = [line for line in day.lines if line and line not in day.feed.unfit_lines]
    return [line.partition("|")[0] for line in lines]


def opened(url: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - our own server
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own server
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read(), dict(refusal.headers)


def test_every_listed_address_gives_the_bytes_of_its_file(last: WrittenDay) -> None:
    urls = listed_urls(last)

    assert len(urls) > 30
    for url in urls:
        assert opened(url)[:2] == (HTTPStatus.OK, last.files[last.path(url)]), url


async def test_a_client_that_normalises_addresses_gets_the_same_bytes(last: WrittenDay) -> None:
    async with aiohttp.ClientSession() as session:
        for url in listed_urls(last):
            for form in (url, yarl.URL(url, encoded=True)):
                async with session.get(form) as answer:
                    assert await answer.read() == last.files[last.path(url)], url


def test_every_picture_is_there_but_the_missing_one(last: WrittenDay) -> None:
    for url in list(last.feed.pictures)[::10]:
        status, content, headers = opened(url)
        assert (status, content) == (HTTPStatus.OK, last.files[last.path(url)])
        assert headers["Content-Type"] in {"image/jpeg", "image/png"}
    (missing,) = (url for url in last.feed.lost_pictures if last.path(url) not in last.files)
    assert opened(missing)[0] == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(("answered", "asked"), [("Etag", "If-None-Match"), ("Last-Modified", "If-Modified-Since")])
def test_an_unchanged_file_is_not_sent_again(last: WrittenDay, answered: str, asked: str) -> None:
    for url in (last.feed.import_url, next(iter(last.feed.pictures))):
        _, _, headers = opened(url)
        assert opened(url, **{asked: headers[answered]})[:2] == (HTTPStatus.NOT_MODIFIED, b"")


def test_a_changed_file_has_another_tag(tmp_path: Path) -> None:
    with serve(tmp_path) as base_url:
        (tmp_path / "Import.txt").write_text("day one")
        _, _, before = opened(f"{base_url}/Import.txt")
        (tmp_path / "Import.txt").write_text("day two!")
        status, content, _ = opened(f"{base_url}/Import.txt", **{"If-None-Match": before["Etag"]})

    assert (status, content) == (HTTPStatus.OK, b"day two!")


def test_nothing_outside_the_folder_is_served(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    with serve(tmp_path / "feed") as base_url:
        for path in ("../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt"):
            status, content, _ = opened(f"{base_url}/{path}")
            assert status in {HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN}
            assert b"secret" not in content


def test_the_server_ends_with_its_block_even_while_a_client_holds_a_connection(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with serve(tmp_path) as base_url:
        port = urlsplit(base_url).port
        assert port
        client = socket.create_connection(("127.0.0.1", port))
    with client, pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port))
    assert set(threading.enumerate()) == before


def test_a_port_in_use_is_a_clear_refusal(tmp_path: Path) -> None:
    with serve(tmp_path) as base_url:
        port = urlsplit(base_url).port or 0
        with pytest.raises(ConfigurationError, match=f"127.0.0.1:{port}"), serve(tmp_path, port=port):
            pytest.fail("two servers on one port")
