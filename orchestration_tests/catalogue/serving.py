"""A feed over HTTP, each of whose answers a test chooses.

It serves handlers by path. Keep out: expectations.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web

from orchestration_tests.catalogue.sample_documents import feed_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator


def body(content: bytes, status: int = 200) -> Any:  # noqa: ANN401 - a handler
    """A handler that answers with these bytes."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=content, status=status)

    return answer


@contextmanager
def served(handlers: dict[str, Any]) -> Iterator[str]:
    """Serve each handler as the document of its SKU, on loopback; the base URL."""
    address, stop = Future[str](), Future[None]()

    async def answer(request: web.Request) -> web.StreamResponse:
        handler = handlers.get(request.path)
        response = await handler(request) if handler else web.Response(status=404)
        assert isinstance(response, web.StreamResponse)
        return response

    async def serve() -> None:
        application = web.Application()
        application.router.add_get("/{path:.*}", answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address.set_result(f"http://127.0.0.1:{runner.addresses[0][1]}")
        await asyncio.wrap_future(stop)
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    yield address.result(10)
    stop.set_result(None)
    thread.join()


def publish(handlers: dict[str, Any], base_url: str, documents: dict[str, Any], *lines: str) -> None:
    """Serve the documents, and an Import.txt that lists them and has these further lines."""
    handlers |= {f"/{sku.partition('-')[0].split()[0]}/{sku}.json": handler for sku, handler in documents.items()}
    listed = feed_bytes(dict.fromkeys(documents, "A" * 40), base_url=base_url)
    handlers["/Import/Import.txt"] = body(listed + "\r\n".join(lines).encode())
