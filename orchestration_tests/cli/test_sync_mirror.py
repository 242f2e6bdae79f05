"""A sync whose images are mirrored in a second process while families are imported, and what befalls that process."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]  # it brings no types
import pytest
from aiohttp import web

from orchestration_tests.catalogue.feed_folder import CATEGORIES, FeedFolder
from orchestration_tests.catalogue.sample_documents import as_bytes, family_document
from orchestration_tests.catalogue.serving import body, publish, served
from orchestration_tests.catalogue.syncing import rows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from orchestration.storage.database import Database
    from orchestration_tests.cli.conftest import Command

FAMILIES = [f"A23-{number:03}" for number in range(20)]
LAST = FAMILIES[-1]
PATIENCE_SECONDS = 60.0


class SlowFamily:
    """A feed whose last document does not come before the images of the others were asked for.

    `on_image` is called when the first is asked for.
    """

    def __init__(self) -> None:
        self.on_image: Callable[[], None] = lambda: None
        self._asked = asyncio.Event()

    async def document(self, content: bytes) -> web.Response:
        """The document that is late."""
        await asyncio.wait_for(self._asked.wait(), PATIENCE_SECONDS)
        return web.Response(body=content)

    async def image(self, content: bytes) -> web.Response:
        """An image."""
        if not self._asked.is_set():
            self._asked.set()
            self.on_image()
        return web.Response(body=content)


@pytest.fixture
def slow_family(variables: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowFamily]:
    """The feed, served."""
    slow, handlers = SlowFamily(), dict[str, Any]()
    with served(handlers) as url:
        folder = FeedFolder(variables.parent / "feed", url)
        documents = dict[str, Any]()
        for sku in FAMILIES:
            content = as_bytes(folder.with_pictures(family_document(sku, pictures=1)))
            documents[sku] = body(content) if sku != LAST else answered(slow.document, content)
        for picture in folder.root.rglob("*.jpg"):
            path = picture.relative_to(folder.root).as_posix()
            handlers[f"/{path}"] = answered(slow.image, picture.read_bytes())
        handlers["/CAT.csv"] = body(CATEGORIES.encode())
        publish(handlers, url, documents, f"{url}/CAT.csv")
        monkeypatch.setenv("PROMIDATA_BASE_URL", url)
        yield slow


def answered(answer: Callable[[bytes], Awaitable[web.Response]], content: bytes) -> Any:  # noqa: ANN401 - a handler
    """A handler that answers with the content in that way."""
    return lambda _request: answer(content)


class Sync:
    """The command in a process of its own, whose output is text."""

    def __init__(self) -> None:
        words = [sys.executable, "-m", "orchestration", "sync", "--json"]
        self.process = psutil.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.out = self.err = ""

    def second(self) -> psutil.Process:
        """The process that it has forked: it looks like itself."""
        [second] = [child for child in self.process.children() if child.cmdline() == self.process.cmdline()]
        return second

    def code(self) -> int:
        """The exit code, when it has ended."""
        self.out, self.err = self.process.communicate(timeout=PATIENCE_SECONDS)
        code: int = self.process.returncode
        return code


def all_mirrored(database: Database) -> bool:
    """Whether each family and its image are there, and nothing is queued."""
    families = rows(database, "SELECT count(*) FROM product_family")
    images = rows(database, "SELECT count(*) FROM media_source")
    open_tasks = rows(database, "SELECT queue FROM task WHERE state <> 'completed' AND queue <> 'image-variant'")
    return (families, images, open_tasks) == ([len(FAMILIES)], [len(FAMILIES)], [])


def test_images_are_mirrored_by_a_second_process_while_families_are_imported(
    slow_family: SlowFamily, database: Database
) -> None:
    mirroring: list[psutil.Process] = []
    slow_family.on_image = lambda: mirroring.append(sync.second())
    sync = Sync()

    assert sync.code() == 0, sync.err
    assert json.loads(sync.out)["images"] == {"stored": len(FAMILIES), "deduplicated": 0, "failed": 0}
    assert all_mirrored(database)
    assert not mirroring[0].is_running()


def test_what_a_killed_second_process_left_is_mirrored_by_the_first_and_said(
    slow_family: SlowFamily, database: Database
) -> None:
    slow_family.on_image = lambda: sync.second().kill()
    sync = Sync()

    assert sync.code() == 1
    assert "The process that mirrored images was killed" in sync.err
    assert all_mirrored(database)


@pytest.mark.parametrize("is_to_group", [False, True], ids=["of a supervisor", "of a terminal"])
def test_a_signal_ends_both_in_order(
    slow_family: SlowFamily, orchestration: Command, database: Database, *, is_to_group: bool
) -> None:
    def interrupt() -> None:
        if is_to_group:
            sync.second().send_signal(signal.SIGINT)
            sync.process.send_signal(signal.SIGINT)
        else:
            sync.process.terminate()

    slow_family.on_image = interrupt
    sync = Sync()

    assert sync.code() == 130, sync.err
    assert "killed" not in sync.err
    assert rows(database, "SELECT queue FROM task WHERE state = 'active'") == []
    again = orchestration("sync", "--json")
    assert again.code == 0, again.err
    assert all_mirrored(database)


def test_after_the_death_of_both_the_next_sync_does_the_rest(
    slow_family: SlowFamily, orchestration: Command, database: Database
) -> None:
    def kill() -> None:
        second = sync.second()
        sync.process.kill()
        second.kill()

    slow_family.on_image = kill
    sync = Sync()

    assert sync.code() == -signal.SIGKILL
    again = orchestration("sync", "--json")
    assert again.code == 0, again.err
    assert all_mirrored(database)
