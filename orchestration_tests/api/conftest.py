"""The API itself, behind a real server, over a database and an object store of the test's own."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn

from orchestration.api.app import build_api
from orchestration.api.keys import Role, create_key
from orchestration.api.punctual import PunctualProtocol
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration_tests.conftest import fresh_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import URL


@contextmanager
def serving(services: Services) -> Iterator[str]:
    """Run the API in a thread; its base URL. The services are closed at the end."""
    config = uvicorn.Config(
        build_api(services), port=0, log_level="error", lifespan="off", http=PunctualProtocol, server_header=False
    )
    server = uvicorn.Server(config)
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
    services.close()


@pytest.fixture
def base_url(services: Services) -> Iterator[str]:
    """The running API of the test's services."""
    with serving(services) as url:
        yield url


@pytest.fixture(scope="module")
def shared_services(server_url: URL, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Services for tests that leave nothing behind that others would see."""
    folder = tmp_path_factory.mktemp("shared")
    with fresh_database(server_url, template) as url:
        yield Services(Settings(home=folder / "home", database_url=url, object_store=(folder / "objects").as_uri()))


@pytest.fixture(scope="module")
def shared_url(shared_services: Services) -> Iterator[str]:
    """The running API of the shared services; building its routes takes longer than most tests."""
    with serving(shared_services) as url:
        yield url


@pytest.fixture
def as_role(services: Services, base_url: str) -> Iterator[Callable[[Role], httpx.Client]]:
    """A client with a key of that role."""
    with ExitStack() as stack:

        def client(role: Role) -> httpx.Client:
            with services.database.begin() as connection:
                _, key = create_key(connection, f"the {role} key", role)
            headers = {"Authorization": f"Bearer {key}"}
            return stack.enter_context(httpx.Client(base_url=base_url, headers=headers, timeout=30))

        yield client


@pytest.fixture
def admin(as_role: Callable[[Role], httpx.Client]) -> httpx.Client:
    """A client that may do everything."""
    return as_role(Role.ADMIN)
