"""A sync that a signal stops in mid-import: what is stored is recorded, nothing is red, and the command says so."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from aiohttp import web

from orchestration_tests.catalogue.feed_folder import CATEGORIES
from orchestration_tests.catalogue.sample_documents import as_bytes, family_document
from orchestration_tests.catalogue.serving import body, publish, served
from orchestration_tests.catalogue.syncing import rows
from orchestration_tests.conftest import dagster_storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from orchestration.storage.database import Database
    from orchestration_tests.cli.conftest import Command

FAMILIES = [f"A23-{number:03}" for number in range(300)]


class Documents:
    """Serves documents, and sends this process a signal when so many have been asked for."""

    def __init__(self) -> None:
        self.asked = 0
        self.number: int | None = None

    def of(self, sku: str) -> Callable[[web.Request], Any]:
        """The handler of one document."""
        content = as_bytes(family_document(sku, pictures=0))

        async def answer(_request: web.Request) -> web.Response:
            self.asked += 1
            if self.asked == 20 and self.number is not None:
                os.kill(os.getpid(), self.number)
            return web.Response(body=content)

        return answer


@pytest.fixture
def documents(variables: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Documents]:
    """A served feed of many families."""
    assert not variables.exists()  # the variables of the test's own system are set first
    handlers: dict[str, Any] = {}
    documents = Documents()
    with served(handlers) as url:
        handlers["/CAT.csv"] = body(CATEGORIES.encode())
        publish(handlers, url, {sku: documents.of(sku) for sku in FAMILIES}, f"{url}/CAT.csv")
        monkeypatch.setenv("PROMIDATA_BASE_URL", url)
        monkeypatch.setenv("BULLMQ_CONCURRENCY_FAMILIES", "1")  # or all are in work when the signal comes
        yield documents


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_stored_is_recorded_and_the_next_sync_goes_on(
    orchestration: Command, documents: Documents, database: Database, shared_dagster_url: str, number: signal.Signals
) -> None:
    documents.number = number

    ended = orchestration("sync", "--json")

    stored = rows(database, "SELECT a_number FROM product_family ORDER BY a_number")
    assert 0 < len(stored) < len(FAMILIES)
    assert ended.code == 130
    assert ended.json["families"]["added"] == len(stored)
    assert "run the command again" in ended.err.splitlines()[-1]
    assert "else run `orchestration sync` again" in orchestration("status").err
    with dg.instance_for_test(overrides=dagster_storage(shared_dagster_url)) as instance:
        asset = dg.AssetKey(["catalogue", "product_families"])
        (run,) = instance.get_runs(dg.RunsFilter(job_name="catalogue_import"), limit=1)
        records = instance.fetch_materializations(asset, limit=len(FAMILIES)).records
    assert sorted(record.partition_key or "" for record in records if record.run_id == run.run_id) == stored
    assert run.status is dg.DagsterRunStatus.SUCCESS

    documents.number = None
    again = orchestration("sync", "--json")
    # Nothing had failed, so what was left is imported, and counted once.
    assert again.json["families"]["failed"] == 0
    assert orchestration("status").err == ""
    assert rows(database, "SELECT count(*) FROM product_family") == [len(FAMILIES)]
    assert rows(database, "SELECT status FROM sync ORDER BY id DESC LIMIT 1") == ["completed"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_sync_that_is_stopped_while_it_reads_the_feed_begins_nothing_more(
    orchestration: Command, documents: Documents, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    assert orchestration("materialize", "catalogue/supplier_feed").code == 0  # families wait
    handlers: dict[str, Any] = {}

    async def stop(_request: web.Request) -> web.Response:
        os.kill(os.getpid(), number)
        await asyncio.sleep(1)
        return web.Response(status=404)

    with served(handlers) as url:
        handlers["/Import/Import.txt"] = handlers["/CAT.csv"] = stop
        monkeypatch.setenv("PROMIDATA_BASE_URL", url)
        ended = orchestration("sync", "--json")

    assert ended.code == 130
    assert "run the command again" in ended.err.splitlines()[-1]
    assert documents.asked == 0
