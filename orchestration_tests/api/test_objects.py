"""Stored objects: whoever has the link gets the bytes, and nobody else."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
import requests

if TYPE_CHECKING:
    from orchestration.services import Services

BODY = bytes(range(256)) * 10_000


@pytest.fixture
def services(shared_services: Services) -> Services:
    """The same for all tests: an object is the same whoever has stored it."""
    return shared_services


@pytest.fixture
def base_url(shared_url: str) -> str:
    return shared_url


def put(services: Services, key: str, body: bytes = BODY) -> None:
    asyncio.run(services.objects.put_once(key, body))


def link(services: Services, base_url: str, key: str, filename: str | None = None, *, age: float = 0) -> str:
    """A signed link that is so many hours old, to the server under test."""
    signed = services.links.sign(key, now=datetime.now(UTC) - timedelta(hours=age), filename=filename)
    parts = urlsplit(signed.url)
    return f"{base_url}{parts.path}?{parts.query}"


def get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()}, timeout=30)


def refused(answer: requests.Response, status: HTTPStatus) -> str:
    """The one reason of an error."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.headers["cache-control"] == "no-store"
    document = answer.json()
    assert (document["status"], document["requestId"]) == (status, answer.headers["x-request-id"])
    return str(document["detail"])


def test_the_link_leads_to_the_bytes(services: Services, base_url: str) -> None:
    put(services, "prints/ab/abc.stl")
    answer = get(link(services, base_url, "prints/ab/abc.stl", "Anna.stl"))
    assert (answer.status_code, answer.content) == (200, BODY)
    assert answer.headers["content-type"] == "model/stl"
    assert answer.headers["content-length"] == str(len(BODY))
    assert answer.headers["content-disposition"] == "attachment; filename=\"Anna.stl\"; filename*=UTF-8''Anna.stl"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    caching = answer.headers["cache-control"]
    assert caching.startswith("private, max-age=")
    assert 167 * 3600 < int(caching.split("=")[1].split(",")[0]) <= 168 * 3600, "no longer than the link works"


@pytest.mark.parametrize(
    ("key", "mime"),
    [
        ("a.3mf", "model/3mf"),
        ("a.png", "image/png"),
        ("a.WEBP", "image/webp"),
        ("a.avif", "image/avif"),
        ("a.json", "application/json"),
        ("a.unheard-of", "application/octet-stream"),
        ("a", "application/octet-stream"),
    ],
)
def test_the_type_follows_the_extension(services: Services, base_url: str, key: str, mime: str) -> None:
    put(services, key, b"bytes")
    answer = get(link(services, base_url, key))
    assert (answer.headers["content-type"], answer.headers["content-disposition"]) == (mime, "inline")


@pytest.mark.parametrize(
    "filename", ["Größe 10%.stl", 'a"; filename="b.exe', "a\r\nSet-Cookie: b=c", "../a/b", "作.stl"]
)
def test_a_name_is_a_name_whatever_it_holds(services: Services, base_url: str, filename: str) -> None:
    put(services, "documents/Größe & +1 #2.bin")
    answer = get(link(services, base_url, "documents/Größe & +1 #2.bin", filename))
    assert answer.content == BODY
    plain, _, full = answer.headers["content-disposition"].partition("; filename*=UTF-8''")
    assert plain.count('"') == 2
    assert unquote(full) == filename
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("abc.stl", "abd.stl"),
        ("prints/", "prints//"),
        ("expires=", "expires=9"),
        ("signature=", "signature=0"),
        ("?", "?filename=other.stl&"),
        ("?expires", "?"),
    ],
)
def test_a_changed_link_is_refused(services: Services, base_url: str, old: str, new: str) -> None:
    put(services, "prints/ab/abc.stl")
    put(services, "prints/ab/abd.stl")
    answer = get(link(services, base_url, "prints/ab/abc.stl").replace(old, new))
    assert "ask for a new one" in refused(answer, HTTPStatus.FORBIDDEN)


def test_without_a_signature_nobody_learns_what_exists(services: Services, base_url: str) -> None:
    put(services, "prints/ab/abc.stl")
    there, absent = (get(f"{base_url}/objects/prints/ab/{name}.stl") for name in ("abc", "never"))
    assert refused(there, HTTPStatus.FORBIDDEN) == refused(absent, HTTPStatus.FORBIDDEN)


def test_a_link_that_is_over_says_so(services: Services, base_url: str) -> None:
    put(services, "prints/ab/abc.stl")
    answer = get(link(services, base_url, "prints/ab/abc.stl", age=169))
    assert "This link ended at" in refused(answer, HTTPStatus.FORBIDDEN)


def test_an_object_that_is_gone_is_not_found(services: Services, base_url: str) -> None:
    put(services, "prints/ab/abc.stl")
    url = link(services, base_url, "prints/ab/abc.stl")
    services.objects.delete("prints/ab/abc.stl")
    assert "prints/ab/abc.stl is not in" in refused(get(url), HTTPStatus.NOT_FOUND)


def test_who_has_the_bytes_already_gets_none(services: Services, base_url: str) -> None:
    put(services, "prints/ab/abc.stl")
    url = link(services, base_url, "prints/ab/abc.stl")
    etag = get(url).headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = get(url, if_none_match=known)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert get(url, if_none_match='"other"').content == BODY


def test_head_tells_everything_but_the_bytes(services: Services, base_url: str) -> None:
    put(services, "prints/ab/abc.stl")
    url = link(services, base_url, "prints/ab/abc.stl")
    answer = requests.head(url, timeout=30)
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", str(len(BODY)))
    assert answer.headers["etag"] == get(url).headers["etag"]


def test_nothing_can_be_written(services: Services, base_url: str) -> None:
    put(services, "prints/ab/abc.stl")
    url = link(services, base_url, "prints/ab/abc.stl")
    assert refused(requests.delete(url, timeout=30), HTTPStatus.METHOD_NOT_ALLOWED)
    assert refused(requests.put(url, b"other", timeout=30), HTTPStatus.METHOD_NOT_ALLOWED)
    assert services.objects.get("prints/ab/abc.stl") == BODY
