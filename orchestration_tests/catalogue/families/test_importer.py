"""One slow document holds up neither its batch nor its queue, and a kill loses no more than the last round."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from orchestration.catalogue.catalogue import Catalogue
from orchestration.services import Services
from orchestration_tests.catalogue.sample_documents import as_bytes, family_document
from orchestration_tests.catalogue.serving import body, publish, served
from orchestration_tests.catalogue.syncing import import_due, plan, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import web

    from orchestration.settings import Settings

FAMILIES = [f"A23-{number:03}" for number in range(300)]
SLOW = FAMILIES[0]
STORED = "SELECT count(*) FROM product_family"
PATIENCE = 300  # tenths of a second


@pytest.fixture
def handlers() -> dict[str, Any]:
    """What is served, by path."""
    return {}


@pytest.fixture
def catalogue(settings: Settings, handlers: dict[str, Any]) -> Iterator[Catalogue]:
    """A catalogue over a served feed of many families."""
    documents = {sku: body(as_bytes(family_document(sku, pictures=0))) for sku in FAMILIES}
    with served(handlers) as url:
        publish(handlers, url, documents)
        services = Services(settings.model_copy(update={"promidata_base_url": url}))
        yield Catalogue(services)
        services.close()


def test_the_others_are_stored_while_one_document_is_still_on_its_way(
    catalogue: Catalogue, handlers: dict[str, Any]
) -> None:
    stored_meanwhile = 0
    plain = handlers[f"/A23/{SLOW}.json"]

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal stored_meanwhile
        for _ in range(PATIENCE):
            [stored_meanwhile] = await asyncio.to_thread(rows, catalogue.database, STORED)
            if stored_meanwhile == len(FAMILIES) - 1:
                break
            await asyncio.sleep(0.1)
        response: web.StreamResponse = await plain(request)
        return response

    handlers[f"/A23/{SLOW}.json"] = answer
    plan(catalogue)

    imported = import_due(catalogue)

    assert stored_meanwhile == len(FAMILIES) - 1
    assert [family.problem for family in imported] == [None] * len(FAMILIES)
