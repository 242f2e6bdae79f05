"""A sync in a process of its own, and a server that kills or stops it at a chosen request, or answers with errors.

It holds the process and the server. Keep out: expectations.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web

from orchestration.catalogue.catalogue import Catalogue
from orchestration.catalogue.drains import import_families, mirror_images
from orchestration.runtime.shutdown import GracefulShutdown
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.work_queue.options import DrainOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RETRY_AFTER = 1

# Processes are forked off a small server that has imported this module, which takes milliseconds instead of seconds.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["orchestration_tests.catalogue.killing", "alembic.command", "obstore.store"])


def sync_everything(values: dict[str, Any]) -> None:
    """A whole sync with these settings, which a signal ends in order; what the process does."""
    catalogue = Catalogue(Services(Settings(**values)))
    feed = asyncio.run(catalogue.read_feed())
    list(catalogue.plan_suppliers(feed))
    with GracefulShutdown() as stop:
        asyncio.run(work_off(catalogue, DrainOptions(idle_seconds=None, stop=stop)))
    catalogue.services.close()


async def work_off(catalogue: Catalogue, options: DrainOptions) -> None:
    """Import and mirror what is queued, at the same time, as a sync does."""
    async with asyncio.TaskGroup() as group:
        group.create_task(import_families(catalogue, lambda _: None, options))
        group.create_task(mirror_images(catalogue, lambda _: None, lambda _: None, options))


class KillingServer:
    """Serves a folder, and sends a process `signal` when the `fatal`-th file of the feed is asked for.

    An answer to a path in `held` waits, in a thread, for that function first, and kills the process after it. When
    `is_moody`, a tenth of the documents and pictures is throttled when it is asked for first, and a tenth fails;
    `early` are those that were asked for again before their time.
    """

    def __init__(self, root: Path) -> None:
        self.base_url = ""
        self.victim: int | None = None
        self.fatal = 0
        self.asked = 0
        self.signal = signal.SIGKILL
        self.is_moody = False
        self.early: list[str] = []
        self.throttled: dict[str, float] = {}
        self.held: dict[str, Callable[[], object]] = {}
        self._met: set[str] = set()
        self._root = root

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One file, after the kill if it is the fatal one."""
        self.asked += 1
        if wait := self.held.pop(request.path, None):
            await asyncio.to_thread(wait)
            self.fatal = self.asked
        if self.victim is not None and self.asked == self.fatal:
            os.kill(self.victim, self.signal)
        if self.is_moody and (trouble := self._trouble(request.path)):
            return trouble
        path = self._root / request.path.lstrip("/")
        return web.FileResponse(path) if path.is_file() else web.Response(status=404)

    def _trouble(self, path: str) -> web.Response | None:
        if time.monotonic() < self.throttled.get(path, 0.0):
            self.early.append(path)
        if path in self._met or not path.endswith((".json", ".jpg", ".png")):
            return None
        self._met.add(path)
        if len(self._met) % 10 == 3:
            self.throttled[path] = time.monotonic() + RETRY_AFTER
            return web.Response(status=429, headers={"Retry-After": str(RETRY_AFTER)})
        return web.Response(status=503) if len(self._met) % 10 == 7 else None

    def sync(self, settings: Settings, fatal: int = 0) -> int | None:
        """Run a sync in a process, killed at its `fatal`-th request unless that is 0; the process's exit code."""
        values = settings.model_dump() | {"promidata_base_url": self.base_url}
        process = _processes.Process(target=sync_everything, args=(values,))
        self.asked, self.fatal, self.victim = 0, fatal, None
        self._met.clear()
        process.start()
        self.victim = process.pid
        process.join(60)
        return process.exitcode


@contextmanager
def killing_server(root: Path) -> Iterator[KillingServer]:
    """Serve `root` from a thread."""
    server, address, stop = KillingServer(root), Future[str](), Future[None]()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(server, address, stop)), daemon=True)
    thread.start()
    server.base_url = address.result(10)
    yield server
    stop.set_result(None)
    thread.join()


async def _serve(server: KillingServer, address: Future[str], stop: Future[None]) -> None:
    application = web.Application()
    application.router.add_get("/{path:.*}", server.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address.set_result(f"http://127.0.0.1:{runner.addresses[0][1]}")
    await asyncio.wrap_future(stop)
    await runner.cleanup()
