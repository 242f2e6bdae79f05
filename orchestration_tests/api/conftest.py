"""The API itself, behind a real server, over a database and an object store of the test's own."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import uvicorn

from orchestration.api.app import build_api

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.services import Services


@contextmanager
def serving(services: Services) -> Iterator[str]:
    """Run the API in a thread; its base URL."""
    server = uvicorn.Server(uvicorn.Config(build_api(services), port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    yield f"http://{host}:{port}"
    server.should_exit = True
    thread.join(30)


@pytest.fixture
def base_url(services: Services) -> Iterator[str]:
    """The running API of the test's services."""
    with serving(services) as url:
        yield url
