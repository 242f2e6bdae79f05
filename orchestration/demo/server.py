"""A loopback file server for a feed on disk.

Serving a folder from a thread of its own. Keep out: what is in the folder (`feed.py`).
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from orchestration.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aiohttp.typedefs import Handler

# Seconds that answers under way may take once the server is told to stop.
GRACE = 1.0
# Seconds for a client that has just connected to be taken in: asyncio leaks a connection whose listener closes between
# its acceptance and its first callback.
ACCEPTING = 0.05


@contextmanager
def serve(root: Path, *, host: str = "127.0.0.1", port: int = 0, latency: float = 0.0) -> Iterator[str]:
    """Serve a folder (made if missing) until the block ends, and give its base URL; port 0 takes a free one.

    Each answer comes after `latency` seconds. Answers carry ETag and Last-Modified, and conditional requests get 304.
    Raises `ConfigurationError` if the address cannot be had.
    """
    root.mkdir(parents=True, exist_ok=True)
    base_url: Future[str] = Future()
    stop: Future[None] = Future()
    application = _application(root, latency)
    arguments = (application, host, port, base_url, stop)
    thread = threading.Thread(target=_run, args=arguments, name="sample-feed", daemon=True)
    thread.start()
    try:
        yield base_url.result()
    finally:
        stop.set_result(None)
        thread.join()


def _application(root: Path, latency: float) -> web.Application:
    @web.middleware
    async def late(request: web.Request, handler: Handler) -> web.StreamResponse:
        await asyncio.sleep(latency)
        return await handler(request)

    application = web.Application(middlewares=[late] if latency else [])
    application.router.add_static("/", root)
    return application


def _run(application: web.Application, host: str, port: int, base_url: Future[str], stop: Future[None]) -> None:
    try:
        asyncio.run(_serving(application, host, port, base_url, stop))
    finally:
        # Whatever went wrong, nobody waits for an address that will never come.
        base_url.cancel()


async def _serving(
    application: web.Application, host: str, port: int, base_url: Future[str], stop: Future[None]
) -> None:
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=GRACE)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        base_url.set_result(f"http://{host}:{runner.addresses[0][1]}")
        await asyncio.wrap_future(stop)
        await asyncio.sleep(ACCEPTING)
    except OSError as error:
        refusal = f"The feed server cannot use {host}:{port}: {error}. Choose another port."
        base_url.set_exception(ConfigurationError(refusal))
    finally:
        await runner.cleanup()
