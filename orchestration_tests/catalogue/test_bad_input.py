"""A document or picture that cannot be used has a clear entry of its own, and everything else is done."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from orchestration.catalogue.catalogue import Catalogue
from orchestration.services import Services
from orchestration_tests.catalogue.feed_folder import drawn
from orchestration_tests.catalogue.sample_documents import as_bytes, family_document, feed_bytes, hash_of
from orchestration_tests.catalogue.serving import body, publish, served
from orchestration_tests.catalogue.syncing import import_due, plan, rows, sync

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.settings import Settings

GOOD = as_bytes(family_document("A23-good", pictures=0))
ENDLESS = b" " * 65_536


async def endless(request: web.Request) -> web.StreamResponse:
    """A body without an end."""
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        while True:
            await response.write(ENDLESS)
    except ConnectionError:
        return response


async def slow(request: web.Request) -> web.StreamResponse:
    """A body that comes a byte at a time."""
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.05)
    except ConnectionError:
        return response


def redirect_to(target: str) -> Any:  # noqa: ANN401 - a handler
    """A handler that sends elsewhere."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(target)

    return answer


def changed(document: dict[str, Any], **values: object) -> bytes:
    """The document with these keys."""
    return json.dumps(document | values).encode()


def bad_documents() -> dict[str, Any]:
    """Handlers of documents that cannot be used, by SKU."""
    return {
        "A23-truncated": body(GOOD[: len(GOOD) // 2]),
        "A23-html": body(b"<!DOCTYPE html><html>Down for maintenance</html>"),
        "A23-empty": body(b""),
        "A23-nul": body(GOOD.replace(b"Softshell", b"Soft\\u0000shell").replace(b"A23-good", b"A23-nul")),
        "A23-latin1": body('{"ANumber": "Größe"}'.encode("latin-1")),
        "A23-mistyped": body(changed(family_document("A23-mistyped"), ChildProducts="none")),
        "A23-other": body(GOOD),
    }


def bad_transfers() -> dict[str, Any]:
    """Handlers that give no document, by SKU."""
    return {
        "A23-5mb": body(changed(family_document("A23-5mb"), SupplierSku="x" * 5_000_000)),
        "A23-gone": body(b"", status=404),
        "A23-metadata": redirect_to("http://169.254.169.254/latest/meta-data"),
        "A23-file": redirect_to("file:///etc/passwd"),
        "A23-loop": redirect_to("/A23/A23-loop.json"),
        "A23-endless": endless,
    }


TRANSIENT = {"A23-slow": slow, "A23-down": body(b"", status=503)}


@pytest.fixture
def handlers() -> dict[str, Any]:
    """What is served, by path; tests fill it in."""
    return {}


@pytest.fixture
def base_url(handlers: dict[str, Any]) -> Iterator[str]:
    """The feed's base URL."""
    with served(handlers) as url:
        yield url


@pytest.fixture
def hostile(settings: Settings, base_url: str) -> Iterator[Catalogue]:
    """A catalogue over that feed, with short limits."""
    limits = {"family_timeout_ms": 1_000, "image_timeout_ms": 1_000, "max_document_bytes": 2_000_000}
    services = Services(settings.model_copy(update={"promidata_base_url": base_url, **limits}))
    yield Catalogue(services)
    services.close()


def test_each_bad_document_is_quarantined_with_a_reason_and_the_good_one_is_imported(
    hostile: Catalogue, handlers: dict[str, Any], base_url: str
) -> None:
    bad = bad_documents()
    publish(handlers, base_url, {**bad, "A23-good": body(GOOD)})

    plan(hostile)
    found = {family.a_number: family for family in import_due(hostile)}

    assert found["A23-good"].problem is None
    assert {sku for sku, family in found.items() if family.is_quarantined} == set(bad)
    reasons = dict(rows(hostile.database, "SELECT a_number, reason FROM quarantine"))
    assert all(reason for reason in reasons.values())
    assert len(set(reasons.values())) == len(bad)


def test_a_transfer_fault_is_a_failure_that_each_sync_asks_about_again(
    hostile: Catalogue, handlers: dict[str, Any], base_url: str
) -> None:
    bad = bad_transfers()
    publish(handlers, base_url, {**bad, "A23-good": body(GOOD)})
    assert sync(hostile).families == {"added": 1, "failed": len(bad)}
    assert rows(hostile.database, "SELECT a_number FROM quarantine") == []

    again = sync(hostile)
    assert again.families == {"failed": len(bad), "unchanged": 1}
    assert again.counts.documents == 0

    handlers["/A23/A23-gone.json"] = body(GOOD.replace(b"A23-good", b"A23-gone"))
    assert sync(hostile).families == {"added": 1, "failed": len(bad) - 1, "unchanged": 1}


def test_an_error_page_or_half_a_document_is_asked_for_again_unless_the_hash_is_its_own(
    hostile: Catalogue, handlers: dict[str, Any], base_url: str
) -> None:
    page, half = b"<!DOCTYPE html><html>Down for maintenance</html>", GOOD[: len(GOOD) // 2]
    bodies = {"A23-page": page, "A23-half": half, "A23-empty": b""}
    handlers |= {f"/A23/{sku}.json": body(content) for sku, content in bodies.items()}
    listed = dict.fromkeys(bodies, "B" * 40) | {"A23-half": hashlib.sha1(half, usedforsecurity=False).hexdigest()}
    handlers["/Import/Import.txt"] = body(feed_bytes(listed, base_url=base_url))
    assert sync(hostile).families == {"quarantined": 3}

    handlers |= {f"/A23/{sku}.json": body(GOOD.replace(b"A23-good", sku.encode())) for sku in bodies}
    assert sync(hostile).families == {"added": 2, "quarantined": 1}
    assert rows(hostile.database, "SELECT a_number FROM quarantine") == ["A23-half"]


def test_a_server_that_is_slow_or_down_is_tried_three_times_and_given_up(
    hostile: Catalogue, handlers: dict[str, Any], base_url: str
) -> None:
    publish(handlers, base_url, {**TRANSIENT, "A23-good": body(GOOD)})

    synced = sync(hostile)

    assert synced.families == {"added": 1, "failed": 2}
    query = "SELECT key, attempt FROM task WHERE queue = 'product-family' AND state = 'dead' ORDER BY key"
    assert rows(hostile.database, query) == [("A23-down", 3), ("A23-slow", 3)]


@pytest.mark.parametrize(
    "line",
    [
        "{base}/A23/..%2F..%2Fetc%2Fpasswd.json|" + "A" * 40,
        "{base}/A23/%00.json|" + "A" * 40,
        "{base}/A23/A23-1.json|not a hash",
        "{base}/A23/A23-1.json",
        "{base}/nobody/A23-1.json|" + "A" * 40,
        "hello world",
    ],
)
def test_a_line_that_fits_nothing_is_reported_and_the_others_are_synced(
    hostile: Catalogue, handlers: dict[str, Any], base_url: str, line: str
) -> None:
    publish(handlers, base_url, {"A23-good": body(GOOD)}, line.format(base=base_url))

    feed = asyncio.run(hostile.read_feed())

    assert len(feed.problems) == 1
    assert sync(hostile).families == {"added": 1}


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x.json", "http://10.0.0.1/A23/x.json", "http://evil.test/x.json"])
def test_a_document_elsewhere_is_refused_and_names_the_setting(
    hostile: Catalogue, handlers: dict[str, Any], base_url: str, url: str
) -> None:
    publish(handlers, base_url, {}, f"{url.rpartition('/')[0]}/A23/A23-1.json|{'A' * 40}")

    assert sync(hostile).families == {"failed": 1}
    [reason] = rows(hostile.database, "SELECT error FROM task WHERE state = 'dead'")
    assert "ORCHESTRATION_IMAGE_HOSTS" in reason


PICTURES = {
    "html": body(b"<html>"),
    "svg": body(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    "empty": body(b""),
    "truncated": body(drawn("cut")[:-40]),
    "bomb": body(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x01\x00\x00\x00\x01\x00\x00\x08\x02\x00\x00\x00"),
    "private": redirect_to("http://10.0.0.1/picture.jpg"),
    "endless": endless,
}


def test_pictures_that_are_none_fail_by_themselves_and_the_good_one_is_stored(
    hostile: Catalogue, handlers: dict[str, Any], base_url: str
) -> None:
    document = family_document("A23-1", pictures=0)
    gallery = [{"Url": f"{base_url}/p/{name}", "Description": "", "FileName": name} for name in (*PICTURES, "good")]
    gallery += [{"Url": url, "Description": "", "FileName": ""} for url in ("file:///etc/passwd", "http://evil.test/a")]
    document["ChildProducts"][0]["ProductDetails"]["nl"]["MediaGalleryImages"] = gallery
    handlers |= {f"/p/{name}": handler for name, handler in PICTURES.items()} | {"/p/good": body(drawn("good"))}
    publish(handlers, base_url, {"A23-1": body(as_bytes(document))})

    synced = sync(hostile)

    assert synced.families == {"added": 1}
    assert synced.images == {"stored": 1, "failed": len(PICTURES) + 2}
    assert all(synced.failed_images.values())


def test_a_family_listed_twice_with_different_hashes_is_refused_and_not_removed(
    hostile: Catalogue, handlers: dict[str, Any], base_url: str
) -> None:
    document = family_document("A23-1", pictures=0)
    handlers["/A23/A23-1.json"] = body(as_bytes(document))
    handlers["/Import/Import.txt"] = body(feed_bytes({"A23-1": hash_of(document)}, base_url=base_url))
    sync(hostile)
    listed = feed_bytes({"A23-1": hash_of(document)}, base_url=base_url)
    handlers["/Import/Import.txt"] = body(listed + f"{base_url}/A23/A23-1.json|{'B' * 40}\n".encode())

    assert sync(hostile).families == {}
    assert rows(hostile.database, "SELECT is_active FROM product_family") == [True]
